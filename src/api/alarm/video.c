/* Clips on their way back: the annotated one, and the original by file name. */
#include <string.h>
#include <unistd.h>

#include "api/alarm/alarm_int.h"
#include "base/text.h"

static void send_blob(struct request *r, const char *sha256, const char *type)
{
    struct err err;
    int64_t size;
    int fd;

    if (blob_open(api_of(r)->blobs, sha256, &fd, &size, &err) < 0)
        alarm_fail(r, &err);
    else
        request_reply_fd_take(r, 200, type, fd, size);
}

static void annotated(void *arg, const char *sha256, const struct err *err)
{
    struct request *r = arg;

    if (err->kind != ERR_NONE)
        alarm_fail(r, err);
    else
        send_blob(r, sha256, "video/mp4");
}

static void annotated_run(struct request *r)
{
    const char *id = request_param(r, "id");
    struct caller caller;

    if (!alarm_enter(r, "read", &caller))
        return;
    if (!id_is_valid(id))
        alarm_fail_as(r, &caller, 400, "a result id has 24 hexadecimal digits");
    else
        job_annotate(api_of(r)->jobs, caller.tenant, id, annotated, r);
}

const struct handler alarm_annotated = {.run = annotated_run};

/* The job that a name of the older routes means: the 24-digit id itself, else the newest job with that file name. */
static int find_named(struct request *r, const char *tenant, const char *name, char ret_id[ID_TEXT], struct err *err)
{
    if (id_is_valid(name)) {
        memcpy(ret_id, name, ID_TEXT);
        return 0;
    }
    if (!*name || strpbrk(name, "/\\"))
        return FAIL(err, ERR_NOT_FOUND, "no such video");
    return records_find_name(api_of(r)->db, request_arena(r), tenant, name, ret_id, err);
}

static void served_run(struct request *r)
{
    struct caller caller;
    char id[ID_TEXT];
    struct err err;

    if (!alarm_enter(r, "read", &caller))
        return;
    if (find_named(r, caller.tenant, request_param(r, "name"), id, &err) < 0)
        alarm_fail(r, &err);
    else
        job_annotate(api_of(r)->jobs, caller.tenant, id, annotated, r);
}

const struct handler alarm_served = {.run = served_run};

/* What the original is called on the wire, by its name; the bytes go back as they came. */
static const struct { const char *ending, *type; } types[] = {
    {".mp4", "video/mp4"},        {".mov", "video/quicktime"}, {".avi", "video/x-msvideo"}, {".mkv", "video/x-matroska"},
    {".webm", "video/webm"},      {".gif", "image/gif"},
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

static void original_run(struct request *r)
{
    struct caller caller;
    char id[ID_TEXT];
    struct job_row job;
    struct err err;

    if (!alarm_enter(r, "read", &caller))
        return;
    if (find_named(r, caller.tenant, request_param(r, "name"), id, &err) < 0 ||
        records_get_job(api_of(r)->db, request_arena(r), caller.tenant, id, &job, &err) < 0)
        alarm_fail(r, &err);
    else
        send_blob(r, job.sha256, type_of(job.name));
}

const struct handler alarm_original = {.run = original_run};
