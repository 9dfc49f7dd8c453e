#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"

enum { CHUNK = 256 << 10 };

/* ---- making one ---- */

void bundle_freep(struct bundle **bundle)
{
    struct bundle *b = TAKE(*bundle);

    if (!b)
        return;
    fd_closep(&b->fd);
    blob_writer_freep(&b->writer);
    free(b);
}

static struct bundle *bundle_new(const struct api *api, struct arena *a, int64_t max)
{
    struct bundle *b = mem_alloc(sizeof *b);

    *b = (struct bundle){.api = api, .arena = a, .fd = -1, .max = max};
    return b;
}

struct bundle *bundle_memory(const struct api *api, struct arena *a, int64_t max, struct err *err)
{
    struct bundle *b = bundle_new(api, a, max);

    b->fd = memfd_create("bundle", MFD_CLOEXEC);
    if (b->fd >= 0)
        return b;
    bundle_freep(&b);
    err_set_errno(err, "cannot make a file in memory");
    return NULL;
}

struct bundle *bundle_blob(const struct api *api, struct arena *a, int64_t max, struct err *err)
{
    struct bundle *b = bundle_new(api, a, max);

    if (blob_begin(&b->writer, api->blobs, max, err) < 0)
        bundle_freep(&b);
    return b;
}

static int write_all(int fd, struct bytes piece, struct err *err)
{
    while (piece.len) {
        ssize_t n = write(fd, piece.data, piece.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL_ERRNO(err, "cannot write a file in memory");
        piece = bytes_of(piece.data + n, piece.len - (size_t)n);
    }
    return 0;
}

static int add(struct bundle *b, struct bytes piece, struct err *err)
{
    if ((int64_t)piece.len > b->max - b->size)
        return FAIL(err, ERR_LIMIT, "models and recordings together are larger than %lld MiB",
                    (long long)(b->max >> 20));
    b->size += (int64_t)piece.len;
    return b->writer ? blob_add(b->writer, piece, err) : write_all(b->fd, piece, err);
}

/* A whole blob; *ret_size: its bytes. */
static int add_blob(struct bundle *b, const char *sha256, int64_t *ret_size, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    CLEANUP(freep) uint8_t *chunk = NULL;
    ssize_t n;

    if (blob_open(b->api->blobs, sha256, &fd, ret_size, err) < 0) {
        if (err && err->kind == ERR_NOT_FOUND)
            err->kind = ERR_IO; /* what was asked for is there, its file is not */
        return -1;
    }
    chunk = mem_alloc(CHUNK);
    for (int64_t at = 0; at < *ret_size; at += n) {
        n = pread(fd, chunk, CHUNK, at);
        if (n < 0 && errno == EINTR) {
            n = 0;
            continue;
        }
        if (n <= 0)
            return FAIL(err, ERR_IO, "cannot read a stored file");
        if (add(b, bytes_of(chunk, (size_t)n), err) < 0)
            return -1;
    }
    return 0;
}

static struct sensor_part *part_new(struct bundle *b, enum sensor_part_kind kind, struct err *err)
{
    struct sensor_part *part;

    if (b->nparts >= SENSOR_PARTS)
        return FAIL_NULL(err, ERR_LIMIT, "there are more than %d recordings; disable some", SENSOR_PARTS - 1);
    part = &ARENA_PUSH(b->arena, b->parts, b->nparts, b->cap);
    *part = (struct sensor_part){.kind = kind, .offset = b->size};
    return part;
}

/* ---- models ---- */

int bundle_add_models(struct bundle *b, const struct loaded *l, struct err *err)
{
    if (l->def.eim)
        return FAIL(err, ERR_UNSUPPORTED,
                    "the impulse is judged by an .eim program, which only single recordings can be given");
    for (size_t i = 0; i < l->nmodels; i++) {
        struct sensor_part *part = part_new(b, PART_MODEL, err);
        if (!part || add_blob(b, l->models[i], &part->size, err) < 0)
            return -1;
        text_copy(part->sha256, sizeof part->sha256, l->models[i]);
    }
    return 0;
}

/* ---- recordings ---- */

/* Labels are checked where they come in; here is only what the store has. */
static int read_stretches(struct arena *a, yyjson_val *list, struct sensor_part *part)
{
    struct sensor_stretch *all = arena_array(a, yyjson_arr_size(list), sizeof *all);
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (list, i, n, v)
        all[i] = (struct sensor_stretch){json_int(v, "startIndex", 0), json_int(v, "endIndex", 0),
                                         json_str(a, v, "label", "")};
    part->stretches = all;
    part->nstretches = yyjson_arr_size(list);
    return 0;
}

static int read_boxes(struct arena *a, yyjson_val *list, struct sensor_part *part)
{
    struct sensor_box *all = arena_array(a, yyjson_arr_size(list), sizeof *all);
    yyjson_val *v;
    size_t i, n;

    yyjson_arr_foreach (list, i, n, v)
        all[i] = (struct sensor_box){json_str(a, v, "label", ""), json_num(v, "x", 0), json_num(v, "y", 0),
                                     json_num(v, "width", 0), json_num(v, "height", 0)};
    part->boxes = all;
    part->nboxes = yyjson_arr_size(list);
    return 0;
}

static int read_list(struct arena *a, struct bytes json,
                     int (*read)(struct arena *, yyjson_val *, struct sensor_part *),
                     struct sensor_part *part, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;

    if (!json.len)
        return 0;
    doc = json_read(json, 64 << 20, err);
    return doc ? read(a, yyjson_doc_get_root(doc), part) : -1;
}

int sample_labels(struct arena *a, const struct sample_row *row, struct sensor_part *part, struct err *err)
{
    part->label = row->label;
    if (read_list(a, row->stretches, read_stretches, part, err) < 0)
        return -1;
    return read_list(a, row->boxes, read_boxes, part, err);
}

static void describe_series(struct bundle *b, const struct sample *s, struct sensor_part *part)
{
    const struct recording *rec = &s->recording;
    const char **names = arena_array(b->arena, rec->naxes, sizeof *names);

    for (size_t i = 0; i < rec->naxes; i++)
        names[i] = rec->axes[i].name;
    part->axes = names;
    part->naxes = rec->naxes;
    part->frequency = rec->interval_ms > 0 ? 1000 / rec->interval_ms : 0;
}

static bool is_picture(const struct sample *s)
{
    return s->recording.kind == SENSOR_PICTURE;
}

int64_t sample_bytes(const struct sample *s)
{
    if (is_picture(s))
        return s->row.size;
    return s->recording.readings * (int64_t)(s->recording.naxes * sizeof(float));
}

int bundle_add_sample(struct bundle *b, const struct sample *s, struct err *err)
{
    struct sensor_part *part = part_new(b, is_picture(s) ? PART_PICTURE : PART_SERIES, err);

    if (!part)
        return -1;
    part->number = s->row.id;
    if (!is_picture(s))
        describe_series(b, s, part);
    if (sample_labels(b->arena, &s->row, part, err) < 0)
        return -1;
    return add_blob(b, is_picture(s) ? s->row.sha256 : s->row.numbers, &part->size, err);
}

int bundle_add_picture(struct bundle *b, struct bytes file, struct err *err)
{
    struct sensor_part *part = part_new(b, PART_PICTURE, err);

    if (!part)
        return -1;
    part->size = (int64_t)file.len;
    part->number = 1;
    return add(b, file, err);
}

/* ---- many of them ---- */

static bool has_content(const struct sample *s)
{
    return is_picture(s) || (s->row.numbers[0] && s->recording.readings > 0);
}

int samples_load(const struct api *api, struct arena *a, const struct project_row *project,
                 enum sample_category category, size_t max, struct sample **ret, size_t *ret_n,
                 struct err *err)
{
    struct sample_filter filter = {
        .project = project->id, .category = (int)category, .signature = -1, .disabled = 0};
    struct sample *all = NULL;
    size_t n = 0, cap = 0, got;
    struct sample_row *rows;
    int64_t offset = 0;

    do {
        if (records_list_samples(api->db, a, &filter, SAMPLES_LIMIT, offset, &rows, &got, err) < 0)
            return -1;
        for (size_t i = 0; i < got; i++) {
            struct sample s;
            if (sample_of_row(a, &rows[i], project, &s, err) < 0)
                return -1;
            if (!has_content(&s))
                continue;
            if (n >= max)
                return FAIL(err, ERR_LIMIT,
                            "the project has more than %zu %s recordings, too many for one job; disable some",
                            max, sample_category_name(category));
            ARENA_PUSH(a, all, n, cap) = s;
        }
        offset += (int64_t)got;
    } while (got == SAMPLES_LIMIT);
    *ret = all;
    *ret_n = n;
    return 0;
}
