/* Clips on their way back: the annotated one, and the original by file name. */
#include <string.h>

#include "api/alarm/alarm_int.h"
#include "base/text.h"

/* One request for a clip, while it is being made. */
struct clip_request {
    struct request *request;
    struct caller caller;
    char id[ID_TEXT];
};

static void send_blob(struct request *r, const struct caller *caller, const char *sha256, const char *type)
{
    struct err err;
    int64_t size;
    int fd;

    if (blob_open(api_of(r)->blobs, sha256, &fd, &size, &err) < 0)
        alarm_fail(r, caller, &err);
    else
        request_reply_fd_take(r, 200, type, fd, size);
}

/* What the original is called on the wire, by its name; the bytes go back as they came. */
static const struct {
    const char *ending, *type;
} types[] = {
    {".mp4", "video/mp4"},        {".mov", "video/quicktime"}, {".avi", "video/x-msvideo"},
    {".mkv", "video/x-matroska"}, {".webm", "video/webm"},     {".gif", "image/gif"},
};

static const char *type_of(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        size_t k = strlen(types[i].ending);
        if (n >= k && text_is_nocase(name + n - k, types[i].ending))
            return types[i].type;
    }
    return "application/octet-stream";
}

static void send_original(struct request *r, const struct caller *caller, const char *id)
{
    struct job_row job;
    struct err err;

    if (records_get_job(api_of(r)->db, request_arena(r), caller->tenant, id, &job, &err) < 0)
        alarm_fail(r, caller, &err);
    else
        send_blob(r, caller, job.sha256, type_of(job.name));
}

static void annotated(void *arg, const char *sha256, const struct err *err)
{
    struct clip_request *c = arg;

    if (err->kind == ERR_NONE)
        send_blob(c->request, &c->caller, sha256, "video/mp4");
    else if (err->kind == ERR_UNSUPPORTED) /* no encoder in this installation: the clip without boxes is
                                              better than none */
        send_original(c->request, &c->caller, c->id);
    else
        alarm_fail(c->request, &c->caller, err);
}

static void send_annotated(struct request *r, const struct caller *caller, const char *id)
{
    struct clip_request *c = arena_alloc(request_arena(r), sizeof *c);

    c->request = r;
    c->caller = *caller;
    text_copy(c->id, sizeof c->id, id);
    job_annotate(api_of(r)->jobs, caller->tenant, c->id, annotated, c);
}

static void annotated_run(struct request *r)
{
    struct caller caller;
    const char *id = alarm_enter_id(r, "read", &caller);

    if (id)
        send_annotated(r, &caller, id);
}

const struct handler alarm_annotated = {.run = annotated_run};

/* The job that a name of the older routes means: the 24-digit id itself, else the newest job with that file
 * name. */
static int find_named(struct request *r, const struct caller *caller, char ret_id[ID_TEXT], struct err *err)
{
    const char *name = request_param(r, "name");

    if (id_is_valid(name)) {
        memcpy(ret_id, name, ID_TEXT);
        return 0;
    }
    if (!*name || strpbrk(name, "/\\"))
        return FAIL(err, ERR_NOT_FOUND, "no such video");
    return records_find_name(api_of(r)->db, request_arena(r), caller->tenant, "alarm", name, ret_id, err);
}

static void named_run(struct request *r,
                      void (*send)(struct request *, const struct caller *, const char *id))
{
    struct caller caller;
    char id[ID_TEXT];
    struct err err;

    if (!alarm_enter(r, "read", &caller))
        return;
    if (find_named(r, &caller, id, &err) < 0)
        alarm_fail(r, &caller, &err);
    else
        send(r, &caller, id);
}

static void served_run(struct request *r)
{
    named_run(r, send_annotated);
}

static void original_run(struct request *r)
{
    named_run(r, send_original);
}

const struct handler alarm_served = {.run = served_run};
const struct handler alarm_original = {.run = original_run};
