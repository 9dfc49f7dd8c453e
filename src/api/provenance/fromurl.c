/* POST of a URL: {"file_url": ...}, or a form with that field. It is fetched after the answer, so its hash is
 * not known when the identifier is made: each such submit is a run of its own. */
#include <string.h>
#include <strings.h>

#include "api/intake.h"
#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "net/multipart.h"

/* A form in one piece. */
struct fields {
    struct entry *entry;
    char name[64];
    struct buf value;
};

static int part_begin(void *arg, const struct part *part, struct err *err UNUSED)
{
    struct fields *f = arg;

    keyed_part(&f->entry->keyed, part);
    buf_clear(&f->value);
    f->value = BUF(FIELD_BYTES);
    text_copy(f->name, sizeof f->name, part->name);
    return 0;
}

static int part_data(void *arg, struct bytes piece, struct err *err UNUSED)
{
    struct fields *f = arg;

    keyed_data(&f->entry->keyed, piece);
    buf_add(&f->value, piece.data, piece.len);
    return 0;
}

static int part_end(void *arg, struct err *err)
{
    struct fields *f = arg;
    struct entry *e = f->entry;
    struct arena *a = request_arena(e->request);

    keyed_part_end(&e->keyed);
    e->field = arena_strdup(a, f->name);
    if (f->value.overflow)
        return FAIL(err, ERR_INPUT, "The %s is too long.", f->name);
    if (ask_field(a, &e->ask, e->kind, f->name, buf_bytes(&f->value), err) < 0)
        return -1;
    e->field = NULL;
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

static void fields_clear(struct fields *f)
{
    buf_clear(&f->value);
}

static int read_form(struct entry *e, const char *type, struct bytes body)
{
    CLEANUP(multipart_freep) struct multipart *m = NULL;
    CLEANUP(fields_clear) struct fields f = {.entry = e};

    if (multipart_new(&m, type, &part_events, &f, &e->err) < 0 || multipart_feed(m, body, &e->err) < 0)
        return -1;
    return multipart_finish(m, &e->err);
}

static bool is_type(const char *type, const char *name)
{
    size_t n = strlen(name);

    return type && strncasecmp(type, name, n) == 0 && (!type[n] || strchr("; \t", type[n]));
}

static int read_body(struct entry *e)
{
    struct arena *a = request_arena(e->request);
    const char *type = request_header(e->request, "Content-Type");
    struct bytes body = request_body(e->request);

    if (is_type(type, "multipart/form-data"))
        return read_form(e, type, body);
    keyed_data(&e->keyed, body);
    keyed_part_end(&e->keyed);
    if (is_type(type, "application/x-www-form-urlencoded"))
        return ask_urlencoded(a, &e->ask, e->kind, body, &e->field, &e->err);
    return ask_json(a, &e->ask, e->kind, body, &e->field, &e->err);
}

static int take_url(struct entry *e)
{
    struct request *r = e->request;

    e->field = "file_url";
    if (!e->ask.url)
        return FAIL(&e->err, ERR_INPUT, "The file_url field is required.");
    if (intake_take_url(api_of(r)->sources, request_arena(r), e->ask.url, &e->job, &e->err) < 0)
        return -1;
    e->field = NULL;
    return 0;
}

static void fetch_run(struct request *r, enum subject_kind kind)
{
    struct entry *e = arena_alloc(request_arena(r), sizeof *e);

    request_set_data(r, e);
    if (!entry_begin(e, r, kind))
        return;
    if (read_body(e) < 0 || take_url(e) < 0)
        entry_refuse(e);
    else
        entry_submit_take(e, "");
}

static void fetch_gone(struct request *r)
{
    entry_gone(request_data(r));
}

static void image_run(struct request *r)
{
    fetch_run(r, KIND_IMAGE);
}

static void video_run(struct request *r)
{
    fetch_run(r, KIND_VIDEO);
}

static void audio_run(struct request *r)
{
    fetch_run(r, KIND_AUDIO);
}

const struct handler provenance_fetch[SUBJECT_KINDS] = {
    [KIND_IMAGE] = {.run = image_run, .gone = fetch_gone},
    [KIND_VIDEO] = {.run = video_run, .gone = fetch_gone},
    [KIND_AUDIO] = {.run = audio_run, .gone = fetch_gone}};
