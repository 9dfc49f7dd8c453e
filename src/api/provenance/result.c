/* GET: one run, many runs, the heat map, the page. */
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/retention.h"

enum { MANY_MAX = 100, MANY_BYTES = 32 << 20 };

/* ---- loading ---- */

/* Lower-case; NULL when it is no identifier. */
static const char *plain_id(struct arena *a, const char *text)
{
    char *copy;

    if (!text || !text_is_hex(text, HASH_HEX - 1))
        return NULL;
    copy = arena_strdup(a, text);
    for (char *s = copy; *s; s++)
        *s = *s >= 'A' && *s <= 'F' ? (char)(*s + 'a' - 'A') : *s;
    return copy;
}

static int complete(const struct api *api, struct arena *a, struct shown *s, struct err *err)
{
    s->result_url = link_make(api, a, s->notes.identifier, clock_wall_us());
    return records_get_override(api->db, a, s->job->tenant, kind_words(s->notes.kind)->name, s->job->sha256,
                                &s->forced, err);
}

int run_load(struct request *r, const char *tenant, const char *media, const char *id_or_hash,
             struct shown *ret, struct err *err)
{
    struct api *api = api_of(r);
    struct arena *a = request_arena(r);
    const char *id = plain_id(a, id_or_hash);
    struct job_row *job = arena_alloc(a, sizeof *job);
    struct run_row run;

    if (!id)
        return FAIL(err, ERR_NOT_FOUND, "there is no such result");
    if (records_find_run(api->db, a, tenant, media, id, &run, err) < 0 ||
        records_get_job(api->db, a, run.tenant, run.job, job, err) < 0)
        return -1;
    if (shown_of(a, job, ret, err) < 0)
        return FAIL(err, ERR_INTERNAL, "a stored result cannot be read");
    return complete(api, a, ret, err);
}

int provenance_event(const struct api *api, struct arena *a, const struct job_row *job,
                     struct bytes *ret_body, struct err *err)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct ticket_notes tickets;
    struct shown s;

    if (ticket_notes_from_json(a, job->request, &tickets, NULL) == 0)
        return tickets_render(a, job, &tickets, ret_body, err);
    if (shown_of(a, job, &s, err) < 0 || complete(api, a, &s, err) < 0)
        return -1;
    yyjson_mut_doc_set_root(doc, text_is(api->opts.provenance.version, "1.0") ? render_run_old(doc, &s)
                                                                              : render_run(doc, &s));
    *ret_body = json_write(a, doc);
    return 0;
}

/* ---- what the client wants to see ---- */

static bool wants_old(struct request *r)
{
    const char *version = request_header(r, "X-Api-Version");

    if (!version || !*version)
        version = api_of(r)->opts.provenance.version;
    version += *version == 'v' || *version == 'V';
    return text_is(version, "1.0") || text_starts(version, "1.0.") || text_is(version, "1");
}

static val_t *render(doc_t *doc, const struct shown *s, bool old)
{
    return old ? render_run_old(doc, s) : render_run(doc, s);
}

static void send_json(struct request *r, const struct caller *caller, doc_t *doc)
{
    struct reply rep = {.status = 200, .type = "application/json"};

    rep.body = json_write(request_arena(r), doc);
    provenance_reply(r, caller, &rep);
}

/* ---- one ---- */

/* Only who had the run learns that it is over. */
static bool has_expired(struct request *r, const struct caller *caller, const char *text)
{
    const char *id = plain_id(request_arena(r), text);
    bool expired;

    return id && records_has_expired(api_of(r)->db, caller->tenant, id, &expired, NULL) == 0 && expired;
}

static void fail_to_find(struct request *r, const struct caller *caller, const struct err *err)
{
    if (err->kind == ERR_NOT_FOUND && has_expired(r, caller, request_param(r, "id")))
        provenance_error(r, 410, "The time for which results are kept is over for this one.");
    else if (err->kind == ERR_NOT_FOUND)
        provenance_error(r, 404, "There is no such result.");
    else
        provenance_fail(r, caller, err);
}

static void get_run(struct request *r, enum subject_kind kind)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    struct caller caller;
    struct shown s;
    struct err err;

    if (!provenance_enter(r, "read", RATE_GET, &caller))
        return;
    if (run_load(r, caller.tenant, kind_words(kind)->name, request_param(r, "id"), &s, &err) < 0) {
        fail_to_find(r, &caller, &err);
        return;
    }
    yyjson_mut_doc_set_root(doc, render(doc, &s, wants_old(r)));
    send_json(r, &caller, doc);
}

static void image_get(struct request *r)
{
    get_run(r, KIND_IMAGE);
}

static void video_get(struct request *r)
{
    get_run(r, KIND_VIDEO);
}

static void audio_get(struct request *r)
{
    get_run(r, KIND_AUDIO);
}

const struct handler provenance_get[SUBJECT_KINDS] = {
    [KIND_IMAGE] = {.run = image_get}, [KIND_VIDEO] = {.run = video_get}, [KIND_AUDIO] = {.run = audio_get}};

/* ---- many ---- */

struct wanted {
    struct arena *arena;
    size_t n;
    const char *ids[MANY_MAX]; /* "" when it is no text */
};

static void want(void *arg, const char *name, const char *value)
{
    struct wanted *w = arg;
    struct bytes plain = {0};

    if (!is_identifiers(w->arena, name))
        return;
    if (w->n < MANY_MAX)
        w->ids[w->n] =
            value && form_decode(w->arena, value, strlen(value), &plain) ? (const char *)plain.data : "";
    w->n++;
}

static void send_many(struct request *r, const struct caller *caller, enum subject_kind kind,
                      const struct wanted *w)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    val_t *list = yyjson_mut_arr(doc);
    bool old = wants_old(r);
    size_t bytes = 0;

    yyjson_mut_doc_set_root(doc, list);
    for (size_t i = 0; i < w->n; i++) {
        struct shown s;
        struct err err;
        if (run_load(r, caller->tenant, kind_words(kind)->name, w->ids[i], &s, &err) == 0) {
            bytes += s.job->report.len;
            yyjson_mut_arr_append(list, render(doc, &s, old));
        } else if (err.kind != ERR_NOT_FOUND) {
            provenance_fail(r, caller, &err);
            return;
        }
        if (bytes > MANY_BYTES) {
            provenance_error(r, 413, "These results are too large together; ask for fewer at a time.");
            return;
        }
    }
    send_json(r, caller, doc);
}

static void get_many(struct request *r, enum subject_kind kind)
{
    struct wanted *w = arena_alloc(request_arena(r), sizeof *w);
    struct caller caller;

    if (!provenance_enter(r, "read", RATE_GET, &caller))
        return;
    w->arena = request_arena(r);
    request_query_each(r, want, w);
    if (!w->n)
        provenance_wrong(r, "identifiers", "The identifiers field is required.");
    else if (w->n > MANY_MAX)
        provenance_wrong(r, "identifiers", "The identifiers must not have more than 100 items.");
    else
        send_many(r, &caller, kind, w);
}

static void image_many(struct request *r)
{
    get_many(r, KIND_IMAGE);
}

static void video_many(struct request *r)
{
    get_many(r, KIND_VIDEO);
}

static void audio_many(struct request *r)
{
    get_many(r, KIND_AUDIO);
}

const struct handler provenance_many[SUBJECT_KINDS] = {[KIND_IMAGE] = {.run = image_many},
                                                       [KIND_VIDEO] = {.run = video_many},
                                                       [KIND_AUDIO] = {.run = audio_many}};

/* ---- the heat map ---- */

static void send_heatmap(struct request *r, const struct caller *caller, const struct shown *s)
{
    struct err err;
    int64_t size;
    int fd;

    if (!shown_heatmap(s))
        provenance_error(r, 404, "This result has no heat map; ask for one with with_heatmap.");
    else if (blob_open(api_of(r)->blobs, s->job->artefact, &fd, &size, &err) < 0)
        provenance_fail(r, caller, &err);
    else
        request_reply_fd_take(r, 200, "image/png", fd, size);
}

static void heatmap_run(struct request *r)
{
    struct caller caller;
    struct shown s;
    struct err err;

    if (!provenance_enter(r, "read", RATE_GET, &caller))
        return;
    if (run_load(r, caller.tenant, kind_words(KIND_IMAGE)->name, request_param(r, "id"), &s, &err) < 0)
        fail_to_find(r, &caller, &err);
    else
        send_heatmap(r, &caller, &s);
}

const struct handler provenance_heatmap = {.run = heatmap_run};

/* ---- the page ---- */

static void send_page(struct request *r, const struct shown *s)
{
    struct reply rep = {.status = 200, .type = "text/html; charset=utf-8"};
    struct arena *a = request_arena(r);

    rep.body = render_page(a, s);
    reply_header(&rep, r, "Content-Security-Policy", "%s", page_policy(a));
    reply_header(&rep, r, "X-Content-Type-Options", "%s", "nosniff");
    reply_header(&rep, r, "Referrer-Policy", "%s", "no-referrer"); /* the address is the key */
    reply_header(&rep, r, "Cache-Control", "%s", "private, no-store");
    request_reply(r, &rep);
}

/* By a signed link any tenant's, else by a key its own. */
static bool may_read(struct request *r, const char *id, const char **ret_tenant)
{
    struct caller *caller = arena_alloc(request_arena(r), sizeof *caller);

    *ret_tenant = NULL;
    if (link_is_good(api_of(r), id, request_query(r, "expires"), request_query(r, "signature"),
                     clock_wall_us()))
        return true;
    if (request_query(r, "signature")) {
        provenance_error(r, 403,
                         "This link is not valid, or no longer. Ask for the result again to get a new one.");
        return false;
    }
    if (!provenance_enter(r, "read", RATE_GET, caller))
        return false;
    *ret_tenant = caller->tenant;
    return true;
}

static void page_run(struct request *r)
{
    const char *id = plain_id(request_arena(r), request_param(r, "id")), *tenant;
    struct shown s;
    struct err err;

    if (!may_read(r, id ? id : "", &tenant))
        return;
    if (id && run_load(r, tenant, NULL, id, &s, &err) == 0)
        send_page(r, &s);
    else if (!id || err.kind == ERR_NOT_FOUND)
        provenance_error(r, 404, "There is no such result.");
    else
        provenance_fail(r, NULL, &err);
}

const struct handler provenance_page = {.run = page_run};
