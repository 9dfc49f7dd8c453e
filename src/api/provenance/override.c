/* A person says that it is otherwise, of a file and all its runs, or takes that back. What was computed
 * stays. */
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

struct saying {
    struct request *request;
    struct caller caller;
    struct override_order order;
};

static void said(void *arg, const struct err *err)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct saying *s = arg;
    const struct override_order *o = &s->order;
    struct reply rep = {.status = 200, .type = "application/json"};
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    if (err->kind != ERR_NONE) {
        provenance_fail(s->request, &s->caller, err);
        return;
    }
    log_info("audit", "action=override media=%s label=%s hash=%s req=%s tenant=%s key=%s", o->media,
             o->label ? o->label : "none", o->sha256, request_id(s->request), s->caller.tenant,
             s->caller.key_id);
    yyjson_mut_doc_set_root(doc, root);
    if (o->label)
        yyjson_mut_obj_add_str(doc, root, "classification", o->label);
    else
        yyjson_mut_obj_add_null(doc, root, "classification");
    yyjson_mut_obj_add_str(doc, root, "type", o->media);
    yyjson_mut_obj_add_str(doc, root, "hash", o->sha256);
    rep.body = json_write(request_arena(s->request), doc);
    provenance_reply(s->request, &s->caller, &rep);
}

/* ERR_INPUT. NULL: the member is not there. */
static int read_label(struct arena *a, struct bytes body, const char **ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(body, FIELD_BYTES, NULL);
    const char *label = json_str(a, yyjson_doc_get_root(doc), "classification", NULL);

    if (!label)
        return FAIL(err, ERR_INPUT, "The classification field is required.");
    if (!text_is(label, "human") && !text_is(label, "artificial"))
        return FAIL(err, ERR_INPUT, "The classification must be human or artificial.");
    *ret = label;
    return 0;
}

/* The path has the hash of a file; the identifier of a run of it is fine, too. */
static int find_file(struct saying *s, struct err *err)
{
    struct shown run;

    if (run_load(s->request, s->caller.tenant, s->order.media, request_param(s->request, "id"), &run, err) <
        0)
        return -1;
    if (!*run.job->sha256)
        return FAIL(err, ERR_CONFLICT, "the file is not here yet; try again when the result is there");
    s->order.sha256 = run.job->sha256;
    return 0;
}

static void say(struct request *r, enum subject_kind kind, bool take_back)
{
    struct saying *s = arena_alloc(request_arena(r), sizeof *s);
    struct err err;

    s->request = r;
    if (!provenance_enter(r, "submit", RATE_POST, &s->caller))
        return;
    s->order = (struct override_order){
        .tenant = s->caller.tenant, .who = s->caller.key_id, .media = kind_words(kind)->name};
    if (!take_back && read_label(request_arena(r), request_body(r), &s->order.label, &err) < 0) {
        provenance_wrong(r, "classification", err.text);
        return;
    }
    if (find_file(s, &err) < 0 ||
        records_set_override(api_of(r)->db, &s->order, clock_wall_us(), said, s, &err) < 0)
        provenance_fail(r, &s->caller, &err);
}

static void image_say(struct request *r)
{
    say(r, KIND_IMAGE, false);
}

static void video_say(struct request *r)
{
    say(r, KIND_VIDEO, false);
}

static void audio_say(struct request *r)
{
    say(r, KIND_AUDIO, false);
}

static void image_unsay(struct request *r)
{
    say(r, KIND_IMAGE, true);
}

static void video_unsay(struct request *r)
{
    say(r, KIND_VIDEO, true);
}

static void audio_unsay(struct request *r)
{
    say(r, KIND_AUDIO, true);
}

const struct handler provenance_say[SUBJECT_KINDS] = {
    [KIND_IMAGE] = {.run = image_say}, [KIND_VIDEO] = {.run = video_say}, [KIND_AUDIO] = {.run = audio_say}};
const struct handler provenance_unsay[SUBJECT_KINDS] = {[KIND_IMAGE] = {.run = image_unsay},
                                                        [KIND_VIDEO] = {.run = video_unsay},
                                                        [KIND_AUDIO] = {.run = audio_unsay}};
