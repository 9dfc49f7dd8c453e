/* POST of a file: a form with a part 'image', 'video' or 'audio', streamed. Nobody looks into it before an
 * analyst does. */
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "net/multipart.h"

struct upload {
    struct entry entry;
    struct multipart *multipart;
    struct blob_writer *file;
    bool has_file, in_file;
    char field[64]; /* the part at hand, unless it is the file */
    struct buf value;
    char name[256];
};

static int64_t max_bytes(const struct provenance_opts *o, enum subject_kind k)
{
    return k == KIND_IMAGE ? o->max_image : k == KIND_VIDEO ? o->max_video : o->max_audio;
}

/* ---- the form ---- */

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct upload *u = arg;
    struct api *api = api_of(u->entry.request);
    const char *word = kind_words(u->entry.kind)->name;

    keyed_part(&u->entry.keyed, part);
    buf_clear(&u->value);
    u->value = BUF(FIELD_BYTES);
    text_copy(u->field, sizeof u->field, part->name);
    u->in_file = text_is(part->name, word);
    if (!u->in_file)
        return 0;
    u->entry.field = word;
    if (u->has_file)
        return FAIL(err, ERR_INPUT, "The %s field must be given once.", word);
    u->has_file = true;
    text_base_name(u->name, sizeof u->name, part->file_name ? part->file_name : "");
    if (blob_begin(&u->file, api->blobs, max_bytes(&api->opts.provenance, u->entry.kind), err) < 0)
        return -1;
    u->entry.field = NULL;
    return 0;
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    struct upload *u = arg;

    keyed_data(&u->entry.keyed, piece);
    if (u->in_file)
        return blob_add(u->file, piece, err);
    buf_add(&u->value, piece.data, piece.len);
    return 0;
}

static int part_end(void *arg, struct err *err)
{
    struct upload *u = arg;
    struct entry *e = &u->entry;

    keyed_part_end(&e->keyed);
    if (u->in_file)
        return 0;
    e->field = arena_strdup(request_arena(e->request), u->field);
    if (u->value.overflow)
        return FAIL(err, ERR_INPUT, "The %s is too long.", u->field);
    if (ask_field(request_arena(e->request), &e->ask, e->kind, u->field, buf_bytes(&u->value), err) < 0)
        return -1;
    e->field = NULL;
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

/* ---- the request ---- */

static void submit_head(struct request *r, enum subject_kind kind)
{
    struct upload *u = arena_alloc(request_arena(r), sizeof *u);
    struct entry *e = &u->entry;
    const char *type = request_header(r, "Content-Type");

    request_set_data(r, u);
    if (!entry_begin(e, r, kind) ||
        multipart_new(&u->multipart, type ? type : "", &part_events, u, &e->err) == 0)
        return;
    if (e->err.kind != ERR_UNSUPPORTED)
        entry_refuse(e);
    else /* what a form would be told without that part */
        provenance_wrong(r, kind_words(kind)->name,
                         arena_printf(request_arena(r),
                                      "The %s field is required, as a part of a form "
                                      "(multipart/form-data).",
                                      kind_words(kind)->name));
}

static void image_head(struct request *r)
{
    submit_head(r, KIND_IMAGE);
}

static void video_head(struct request *r)
{
    submit_head(r, KIND_VIDEO);
}

static void audio_head(struct request *r)
{
    submit_head(r, KIND_AUDIO);
}

static void submit_body(struct request *r, struct bytes piece)
{
    struct upload *u = request_data(r);
    struct entry *e = &u->entry;

    if (e->err.kind != ERR_NONE)
        return;
    if (gate_more(api_of(r)->gate, r, &e->caller, piece.len, &e->err) < 0 ||
        multipart_feed(u->multipart, piece, &e->err) < 0)
        blob_writer_freep(&u->file); /* now: the rest of the body may take its time */
}

static int finish(struct upload *u)
{
    struct entry *e = &u->entry;
    const char *word = kind_words(e->kind)->name;

    if (e->err.kind != ERR_NONE || multipart_finish(u->multipart, &e->err) < 0)
        return -1;
    e->field = word;
    if (!u->has_file)
        return FAIL(&e->err, ERR_INPUT, "The %s field is required.", word);
    if (!blob_written(u->file))
        return FAIL(&e->err, ERR_INPUT, "The %s is empty.", word);
    e->field = NULL;
    return 0;
}

static void submit_run(struct request *r)
{
    struct upload *u = request_data(r);
    struct entry *e = &u->entry;
    char sha256[HASH_HEX];

    if (finish(u) < 0 || blob_hash(u->file, sha256, &e->err) < 0) {
        entry_refuse(e);
        return;
    }
    e->job.name = u->name;
    e->job.body = TAKE(u->file);
    entry_submit_take(e, sha256);
}

static void submit_gone(struct request *r)
{
    struct upload *u = request_data(r);

    if (!u)
        return;
    entry_gone(&u->entry);
    multipart_freep(&u->multipart);
    blob_writer_freep(&u->file);
    buf_clear(&u->value);
}

const struct handler provenance_submit[SUBJECT_KINDS] = {
    [KIND_IMAGE] = {image_head, submit_body, submit_run, submit_gone},
    [KIND_VIDEO] = {video_head, submit_body, submit_run, submit_gone},
    [KIND_AUDIO] = {audio_head, submit_body, submit_run, submit_gone},
};
