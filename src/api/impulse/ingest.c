/* Files on their way in.
 *
 *   net thread     all files of the request, one behind another, into one nameless file
 *   desk           a file: sealed as a blob, then an analyst is asked what it is (pipeline "sensor-read")
 *   lab thread     his answer is kept; his numbers come in a nameless file
 *   desk           the numbers sealed as a blob, the signature checked, the row queued
 *   store thread   the row is on disk: the next file; behind the last one the answer
 *
 * So the files of a request are read one after the other, and one that cannot be read is told beside those
 * that could. Whatever has no row in the end is removed again. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/impulse/sample_int.h"
#include "api/problem.h"
#include "base/c23.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/multipart.h"
#include "report/report.h"

enum { FILES_MAX = 1000, PIECE = 256 << 10, NAME_HASH = 12 };

struct arrival {
    const char *name; /* of the file, as it was sent */
    int64_t offset, size;
    struct err err; /* ERR_NONE: it is a sample, or was a file of labels */
    int64_t id;
    const char *storage;
};

struct ingest {
    struct request *request;
    struct caller caller;
    struct project_row project;
    struct sending sending;
    int door;  /* enum sample_category, or INGEST_SPLIT */
    bool text; /* answered in plain text: there is one file, the body */
    struct multipart *multipart;
    int fd; /* where all of them lie */
    int64_t written;
    size_t n, cap;
    struct arrival *files;
    struct annotations annotations;
    struct err err; /* the first fault of the request; what follows of the body is dropped */
    /* --- of the file at hand --- */
    size_t at;
    struct sample_row row;
    struct recording recording;
    int numbers;    /* of the analyst's; -1: none */
    bool pinned[2]; /* row.sha256, row.numbers */
    int64_t id;
};

static struct api *api_in(struct ingest *in)
{
    return api_of(in->request);
}

/* ---- the answer ---- */

static void answer_files(struct ingest *in)
{
    val_t *root, *list, *o;
    doc_t *doc = impulse_doc(&root);

    list = yyjson_mut_obj_add_arr(doc, root, "files");
    for (size_t i = 0; i < in->n; i++) {
        const struct arrival *f = &in->files[i];
        bool good = f->err.kind == ERR_NONE;
        o = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_bool(doc, o, "success", good);
        if (f->id) {
            yyjson_mut_obj_add_int(doc, o, "projectId", in->project.id);
            yyjson_mut_obj_add_int(doc, o, "sampleId", f->id);
        }
        yyjson_mut_obj_add_str(doc, o, "fileName", f->storage ? f->storage : f->name);
        if (!good)
            yyjson_mut_obj_add_str(doc, o, "error", f->err.text);
    }
    impulse_answer_take(in->request, doc);
}

static void reply_text(struct request *r, int status, const char *text)
{
    struct reply rep = {
        .status = status, .type = "text/plain; charset=utf-8", .body = bytes_of(text, strlen(text))};

    if (status == 503)
        reply_header(&rep, r, "Retry-After", "5");
    request_reply(r, &rep);
}

/* The statuses of a single file. */
static void refuse_text(struct ingest *in, const struct err *err)
{
    struct problem p;

    if (impulse_is_the_clients(err)) {
        reply_text(in->request, 400, err->text);
        return;
    }
    p = problem_of(in->request, &in->caller, err);
    reply_text(in->request, p.status, p.detail);
}

static void refuse(struct ingest *in, const struct err *err)
{
    if (in->text)
        refuse_text(in, err);
    else
        impulse_fail(in->request, &in->caller, err);
}

static void answer(struct ingest *in)
{
    if (!in->text)
        answer_files(in);
    else if (in->files[0].err.kind != ERR_NONE)
        refuse_text(in, &in->files[0].err);
    else
        reply_text(in->request, 200, in->files[0].storage);
}

/* ---- one file after the other ---- */

static struct arrival *file_at_hand(struct ingest *in)
{
    return &in->files[in->at];
}

static void take_next(void *arg);

/* From any thread. */
static void go_on(struct ingest *in, void (*step)(void *arg))
{
    struct err err;

    if (impulse_desk(api_in(in), step, in, &err) < 0)
        refuse(in, &err);
}

static int in_use(void *db, const char *sha256, struct err *err)
{
    bool used;

    return records_blob_in_use(db, sha256, &used, err) < 0 ? -1 : used;
}

/* Of a file without a row nothing stays, unless somebody else has the same bytes. */
static void let_go(struct ingest *in, bool stays)
{
    const char *blobs[] = {in->row.sha256, in->row.numbers};
    struct api *api = api_in(in);
    enum blob_fate fate;

    for (size_t i = 0; i < COUNT_OF(blobs); i++) {
        if (!in->pinned[i])
            continue;
        in->pinned[i] = false;
        blob_unpin(api->blobs, blobs[i]);
        if (!stays)
            blob_remove_unused(api->blobs, blobs[i], in_use, api->db, &fate, NULL);
    }
    fd_closep(&in->numbers);
}

/* On the desk. */
static void give_up(struct ingest *in)
{
    let_go(in, false);
    in->at++;
    take_next(in);
}

static void give_up_later(void *arg)
{
    give_up(arg);
}

/* Writer thread. */
static void stored(void *arg, const struct err *err)
{
    struct ingest *in = arg;
    struct arrival *f = file_at_hand(in);

    f->err = *err;
    if (err->kind == ERR_LIMIT)
        f->err.kind = ERR_CONFLICT; /* the project is full; the file is not too large */
    if (err->kind != ERR_NONE) {
        go_on(in, give_up_later);
        return;
    }
    f->id = in->id;
    f->storage = in->row.storage;
    let_go(in, true);
    in->at++;
    go_on(in, take_next);
}

/* ---- the row ---- */

/* "wave.01", or with x-add-date-id "wave.01.20261122T030735123". */
static const char *display_name(struct ingest *in, const struct annotation *said)
{
    struct arena *a = request_arena(in->request);
    const char *name = said->name ? said->name : name_of_file(a, file_at_hand(in)->name);
    int64_t us = in->row.added_us;
    time_t seconds = (time_t)(us / 1000000);
    char when[32];
    struct tm tm;

    if (!in->sending.date_id)
        return name;
    gmtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%Y%m%dT%H%M%S", &tm);
    return arena_printf(a, "%s.%s%03d", name, when, (int)(us / 1000 % 1000));
}

/* Who says it more closely wins: a file of labels, the headers, the file itself, its name. NULL: nobody. */
static const char *label_of(struct ingest *in, const struct annotation *said)
{
    const char *label = said->label ? said->label : in->sending.label;

    if (!label && said->stretches.len)
        return NULL;
    if (!label)
        label = in->recording.label;
    if (!label)
        label = label_of_file(request_arena(in->request), file_at_hand(in)->name);
    return label && *label ? label : NULL;
}

static enum sample_category category_of(const struct ingest *in, const struct annotation *said)
{
    if (in->door != INGEST_SPLIT)
        return (enum sample_category)in->door;
    return said->category >= 0 ? (enum sample_category)said->category : split_by_hash(in->row.sha256);
}

/* Labels where they can be: along a series, on a picture. */
static int take_labels(struct ingest *in, const struct annotation *said, struct err *err)
{
    bool picture = in->recording.kind == SENSOR_PICTURE;
    struct bytes boxes = said->boxes.len ? said->boxes : in->sending.boxes;

    if (picture ? said->stretches.len > 0 : boxes.len > 0)
        return FAIL(err, ERR_INPUT,
                    picture ? "a picture has no labels along it" : "only pictures have bounding boxes");
    in->row.stretches = said->stretches;
    in->row.boxes = boxes;
    in->row.metadata = said->metadata.len ? said->metadata : in->sending.metadata;
    return picture ? 0 : stretches_fit(said->stretches, in->recording.readings, err);
}

static int check_signature(struct ingest *in, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    int64_t size;

    in->row.method = in->recording.algorithm;
    if (!text_is(in->row.method, "HS256"))
        return 0;
    if (blob_open(api_in(in)->blobs, in->row.sha256, &fd, &size, err) < 0)
        return -1;
    return signed_with(fd, size, in->recording.signature_at, in->project.hmac_key, &in->row.signed_well, err);
}

static int keep_numbers(struct ingest *in, struct err *err)
{
    const struct recording *rec = &in->recording;
    int64_t size, expected;

    if (rec->kind == SENSOR_PICTURE)
        return 0;
    if (in->numbers < 0 || ckd_mul(&expected, rec->readings, (int64_t)(rec->naxes * sizeof(float))) ||
        expected <= 0)
        return FAIL(err, ERR_INPUT, "the file holds no readings");
    if (blob_from_fd(api_in(in)->blobs, in->numbers, expected, in->row.numbers, &size, err) < 0)
        return -1;
    in->pinned[1] = true;
    return size == expected ? 0 : FAIL(err, ERR_INTERNAL, "the numbers of a recording are not complete");
}

static int64_t created_us(const struct ingest *in)
{
    const int64_t last = 253402300799; /* of the year 9999 */
    int64_t taken = in->recording.taken_s;

    return taken > 0 && taken < last ? taken * 1000000 : in->row.added_us;
}

static int fill_row(struct ingest *in, struct err *err)
{
    struct arena *a = request_arena(in->request);
    struct annotation said = annotation_of(&in->annotations, file_at_hand(in)->name);
    struct sample_row *row = &in->row;

    row->project = in->project.id;
    row->tenant = in->project.tenant;
    row->category = category_of(in, &said);
    row->added_us = clock_wall_us();
    row->created_us = created_us(in);
    row->label = label_of(in, &said);
    row->name = display_name(in, &said);
    row->storage = arena_printf(a, "%s.%.*s", row->name, NAME_HASH, row->sha256);
    row->readings = in->recording.kind == SENSOR_PICTURE ? 0 : in->recording.readings;
    row->facts = facts_to_json(a, &in->recording);
    return take_labels(in, &said, err);
}

static struct sample_rules rules_of(struct ingest *in)
{
    return (struct sample_rules){in->sending.unique, api_in(in)->opts.impulse.max_samples};
}

/* On the desk: the analyst has answered. */
static void keep(void *arg)
{
    struct ingest *in = arg;
    struct arrival *f = file_at_hand(in);
    struct sample_rules rules = rules_of(in);

    if (f->err.kind != ERR_NONE || fill_row(in, &f->err) < 0 || keep_numbers(in, &f->err) < 0 ||
        check_signature(in, &f->err) < 0 ||
        records_add_sample(api_in(in)->db, &in->row, &rules, &in->id, stored, in, &f->err) < 0)
        give_up(in);
}

/* ---- the analyst ---- */

/* What is kept of his answer, which lives for the callback. */
static void copy_recording(struct ingest *in, const struct recording *rec)
{
    struct arena *a = request_arena(in->request);
    struct sensor_axis *axes = arena_array(a, rec->naxes + 1, sizeof *axes);
    struct recording *to = &in->recording;

    *to = *rec;
    for (size_t i = 0; i < rec->naxes; i++)
        axes[i] =
            (struct sensor_axis){arena_strdup(a, rec->axes[i].name), arena_strdup(a, rec->axes[i].units)};
    to->axes = axes;
    to->format = arena_strdup(a, rec->format);
    to->device_name = arena_strdup(a, rec->device_name);
    to->device_type = arena_strdup(a, rec->device_type);
    to->algorithm = arena_strdup(a, rec->algorithm);
    to->label = arena_strdup(a, rec->label);
    to->note = arena_strdup(a, rec->note);
}

/* Lab thread. */
static void answered(void *arg, const struct lab_result *result, int artefact_fd)
{
    struct ingest *in = arg;
    struct arrival *f = file_at_hand(in);
    const struct report *report = result->report;

    f->err = result->error;
    if (f->err.kind == ERR_NONE && report->error.kind != ERR_NONE)
        f->err = report->error;
    if (f->err.kind == ERR_NONE && (!report->sensing || !report->sensing->recording))
        err_set(&f->err, ERR_INTERNAL, "the file was not read");
    if (f->err.kind == ERR_NONE) {
        copy_recording(in, report->sensing->recording);
        in->numbers = artefact_fd < 0 ? -1 : fcntl(artefact_fd, F_DUPFD_CLOEXEC, 0);
    }
    go_on(in, keep);
}

static int ask(struct ingest *in, struct err *err)
{
    struct job_question q = {.spec = job_spec_defaults(), .sha256 = in->row.sha256, .artefact_fd = -1};
    CLEANUP(fd_closep) int subject = -1;
    struct api *api = api_in(in);
    int64_t size;

    if (blob_open(api->blobs, in->row.sha256, &subject, &size, err) < 0 ||
        blobs_temp(api->blobs, &q.artefact_fd, err) < 0)
        return -1;
    q.spec.pipeline = "sensor-read";
    q.spec.deadline_ms = api_limit(&api->opts.deadline_ms);
    q.spec.subject.name = q.spec.sensor.file = file_at_hand(in)->name;
    q.subject_fd = TAKE_FD(subject);
    job_ask_take(api->jobs, &q, answered, in);
    return 0;
}

/* ---- the blob ---- */

static int read_piece(int fd, void *dst, size_t n, int64_t at, struct err *err)
{
    ssize_t got = pread(fd, dst, n, at);

    if (got == (ssize_t)n)
        return 0;
    return got < 0 ? FAIL_ERRNO(err, "cannot read an upload")
                   : FAIL(err, ERR_INTERNAL, "an upload is shorter than it should be");
}

static int copy_file(struct ingest *in, struct blob_writer *w, struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    const struct arrival *f = file_at_hand(in);
    uint8_t *piece = arena_alloc(scratch, PIECE);

    for (int64_t done = 0, n; done < f->size; done += n) {
        n = f->size - done < PIECE ? f->size - done : PIECE;
        if (read_piece(in->fd, piece, (size_t)n, f->offset + done, err) < 0 ||
            blob_add(w, bytes_of(piece, (size_t)n), err) < 0)
            return -1;
    }
    return 0;
}

static int seal_file(struct ingest *in, struct err *err)
{
    CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
    struct api *api = api_in(in);

    if (!file_at_hand(in)->size)
        return FAIL(err, ERR_INPUT, "the file is empty");
    if (blob_begin(&w, api->blobs, api->opts.max_upload, err) < 0 || copy_file(in, w, err) < 0 ||
        blob_seal_take(TAKE(w), in->row.sha256, &in->row.size, err) < 0)
        return -1;
    in->pinned[0] = true;
    return 0;
}

/* Before it is read; whether it still holds is asked again with the row. */
static int check_unique(struct ingest *in, struct err *err)
{
    int64_t id = 0;

    if (!in->sending.unique)
        return 0;
    if (records_find_sample(api_in(in)->db, in->project.id, in->row.sha256, &id, err) < 0)
        return -1;
    return id ? FAIL(err, ERR_CONFLICT, "the project has this very file already, as sample %" PRId64, id) : 0;
}

/* On the desk. */
static void take_next(void *arg)
{
    struct ingest *in = arg;
    struct arrival *f;

    while (in->at < in->n &&
           (file_at_hand(in)->err.kind != ERR_NONE || is_annotation(file_at_hand(in)->name)))
        in->at++;
    if (in->at == in->n) {
        answer(in);
        return;
    }
    f = file_at_hand(in);
    in->row = (struct sample_row){0};
    in->recording = (struct recording){0};
    if (seal_file(in, &f->err) < 0 || check_unique(in, &f->err) < 0 || ask(in, &f->err) < 0)
        go_on(in, give_up_later); /* not here: a thousand bad files would be as many calls deep */
}

/* ---- all files are here ---- */

static int read_annotation(struct ingest *in, struct arrival *f)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    uint8_t *text;

    if (f->size > ANNOTATION_BYTES)
        return FAIL(&f->err, ERR_LIMIT, "a file of labels has at most %d MiB", ANNOTATION_BYTES >> 20);
    text = arena_alloc(scratch, (size_t)f->size + 1);
    if (read_piece(in->fd, text, (size_t)f->size, f->offset, &f->err) < 0)
        return -1;
    return annotations_add(request_arena(in->request), &in->annotations, f->name,
                           bytes_of(text, (size_t)f->size), &f->err);
}

/* Files of labels speak of the others, so they come first; with a wrong one nothing is stored: the samples
 * would have the wrong labels. */
static int read_annotations(struct ingest *in, struct err *err)
{
    for (size_t i = 0; i < in->n; i++) {
        struct arrival *f = &in->files[i];
        if (is_annotation(f->name) && (f->err.kind != ERR_NONE || read_annotation(in, f) < 0))
            return FAIL(err, f->err.kind, "%.64s: %.180s", f->name, f->err.text);
    }
    return 0;
}

static int find_project(struct ingest *in, struct err *err)
{
    struct arena *a = request_arena(in->request);
    struct records *db = api_in(in)->db;

    if (in->sending.project)
        return records_get_project(db, a, in->caller.tenant, in->sending.project, &in->project, err);
    return records_first_project(db, a, in->caller.tenant, &in->project, err);
}

/* On the desk. */
static void begin(void *arg)
{
    struct ingest *in = arg;
    struct err err;

    if (find_project(in, &err) < 0 || read_annotations(in, &err) < 0)
        refuse(in, &err);
    else
        take_next(in);
}

/* ---- the body ---- */

static int write_all(int fd, struct bytes piece, int64_t at, struct err *err)
{
    for (ssize_t n; piece.len; piece = bytes_of(piece.data + n, piece.len - (size_t)n), at += n) {
        n = pwrite(fd, piece.data, piece.len, at);
        if (n < 0)
            return errno == ENOSPC ? FAIL(err, ERR_FULL, "the disk of the data directory is full")
                                   : FAIL_ERRNO(err, "cannot write an upload");
    }
    return 0;
}

static int file_begin(struct ingest *in, const char *name, struct err *err)
{
    if (in->n == FILES_MAX)
        return FAIL(err, ERR_INPUT, "one request has at most %d files; send the others with another one",
                    FILES_MAX);
    if (in->fd < 0 && blobs_temp(api_in(in)->blobs, &in->fd, err) < 0)
        return -1;
    ARENA_PUSH(request_arena(in->request), in->files, in->n, in->cap) =
        (struct arrival){.name = arena_strdup(request_arena(in->request), name), .offset = in->written};
    return 0;
}

/* A file that is too large is told beside the others. */
static int file_data(struct ingest *in, struct bytes piece, struct err *err)
{
    struct arrival *f = &in->files[in->n - 1];
    int64_t max = api_in(in)->opts.max_upload;

    if (f->err.kind != ERR_NONE)
        return 0;
    if ((int64_t)piece.len > max - f->size) {
        err_set(&f->err, ERR_LIMIT, "the file is larger than %" PRId64 " bytes", max);
        return 0;
    }
    if (write_all(in->fd, piece, in->written, err) < 0)
        return -1;
    f->size += (int64_t)piece.len;
    in->written += (int64_t)piece.len;
    return 0;
}

static int part_begin(void *arg, const struct part *part, struct err *err)
{
    struct ingest *in = arg;
    char name[NAME_BYTES];

    text_base_name(name, sizeof name, part->file_name ? part->file_name : "");
    if (!text_is(part->name, "data") || !*name)
        return FAIL(err, ERR_INPUT, "every part of the form must be called 'data' and have a file name");
    return file_begin(in, name, err);
}

static int part_data(void *arg, struct bytes piece, struct err *err)
{
    return file_data(arg, piece, err);
}

static int part_end(void *arg UNUSED, struct err *err UNUSED)
{
    return 0;
}

static const struct multipart_events part_events = {part_begin, part_data, part_end};

/* ---- the request ---- */

static int read_headers(struct ingest *in, struct err *err)
{
    struct arena *a = request_arena(in->request);
    const char *name, *value;

    for (size_t i = 0; (name = sending_header(i)); i++) {
        value = request_header(in->request, name);
        if (value && sending_set(a, &in->sending, name, value, err) < 0)
            return -1;
    }
    return 0;
}

/* NULL: it is answered. */
static struct ingest *ingest_begin(struct request *r, int door, bool text)
{
    struct ingest *in = arena_alloc(request_arena(r), sizeof *in);
    struct err err;

    *in = (struct ingest){.request = r, .door = door, .text = text, .fd = -1, .numbers = -1};
    request_set_data(r, in);
    if (!impulse_enter(r, "submit", &in->caller))
        return NULL;
    if (read_headers(in, &err) == 0)
        return in;
    refuse(in, &err);
    return NULL;
}

static void files_head(struct request *r, int door)
{
    struct ingest *in = ingest_begin(r, door, false);
    const char *type = request_header(r, "Content-Type");
    struct err err;

    if (!in)
        return;
    if (multipart_new(&in->multipart, type ? type : "", &part_events, in, &err) < 0) {
        err.kind = ERR_INPUT;
        refuse(in, &err);
        return;
    }
    multipart_allow(in->multipart, FILES_MAX + 1); /* one too many is told by us */
}

static void data_head(struct request *r, int door)
{
    struct ingest *in = ingest_begin(r, door, true);
    struct err err;

    if (!in)
        return;
    if (!in->sending.file_name)
        reply_text(r, 421, "the header x-file-name is missing");
    else if (file_begin(in, in->sending.file_name, &err) < 0)
        refuse(in, &err);
}

static void ingest_body(struct request *r, struct bytes piece)
{
    struct ingest *in = request_data(r);

    if (in->err.kind != ERR_NONE || gate_more(api_of(r)->gate, r, &in->caller, piece.len, &in->err) < 0)
        return;
    if ((in->text ? file_data(in, piece, &in->err) : multipart_feed(in->multipart, piece, &in->err)) < 0)
        fd_closep(&in->fd); /* now: the rest of the body may take its time */
}

static void ingest_run(struct request *r)
{
    struct ingest *in = request_data(r);
    struct err *err = &in->err;

    if (err->kind == ERR_NONE && !in->text)
        multipart_finish(in->multipart, err);
    if (err->kind == ERR_NONE && !in->n)
        err_set(err, ERR_INPUT, "there is no file in the form; send each as a part 'data' with a file name");
    if (err->kind != ERR_NONE || impulse_desk(api_of(r), begin, in, err) < 0)
        refuse(in, err);
}

static void ingest_gone(struct request *r)
{
    struct ingest *in = request_data(r);

    if (!in)
        return;
    multipart_freep(&in->multipart);
    let_go(in, true); /* the server stops: the broom of the next one looks */
    fd_closep(&in->fd);
}

#define DOOR(category, number)                      \
    static void files_##category(struct request *r) \
    {                                               \
        files_head(r, number);                      \
    }                                               \
    static void data_##category(struct request *r)  \
    {                                               \
        data_head(r, number);                       \
    }
DOOR(training, SAMPLE_TRAINING)
DOOR(testing, SAMPLE_TESTING)
DOOR(anomaly, SAMPLE_ANOMALY)
DOOR(split, INGEST_SPLIT)

const struct handler impulse_ingest_files[INGEST_DOORS] = {
    [SAMPLE_TRAINING] = {files_training, ingest_body, ingest_run, ingest_gone},
    [SAMPLE_TESTING] = {files_testing, ingest_body, ingest_run, ingest_gone},
    [SAMPLE_ANOMALY] = {files_anomaly, ingest_body, ingest_run, ingest_gone},
    [INGEST_SPLIT] = {files_split, ingest_body, ingest_run, ingest_gone},
};
const struct handler impulse_ingest_data[INGEST_DOORS] = {
    [SAMPLE_TRAINING] = {data_training, ingest_body, ingest_run, ingest_gone},
    [SAMPLE_TESTING] = {data_testing, ingest_body, ingest_run, ingest_gone},
    [SAMPLE_ANOMALY] = {data_anomaly, ingest_body, ingest_run, ingest_gone},
    [INGEST_SPLIT] = {data_split, ingest_body, ingest_run, ingest_gone},
};
