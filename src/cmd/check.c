/* assay check: verdicts for files, without a server. The same keeper, analysts and pipelines as behind the
 * API. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/check_int.h"
#include "cmd/foreign.h"
#include "cmd/page.h"
#include "report/json.h"
#include "report/words.h"

struct check_settings {
    bool json;
    const char *html, *annotate, *pipeline, *blocks, *biometrics;
    double low, high, fps;
    int64_t deadline_ms, max_frames, frames;
    bool faces, nsfw;
    const char *key_frames, *force, *heuristic, *heuristics;
};

#define ROW(name, type, field, fallback, min, max, arg, help)                             \
    {                                                                                     \
        name, type, offsetof(struct check_settings, field), fallback, min, max, arg, help \
    }
static const struct option check_rows[] = {
    ROW("json", OPT_FLAG, json, "false", 0, 0, NULL, "print the canonical report, one JSON line a file"),
    ROW("html", OPT_STRING, html, NULL, 0, 0, "REPORT.html",
        "also write one page with thumbnails and timelines of all files"),
    ROW("pipeline", OPT_STRING, pipeline, NULL, 0, 0, "NAME",
        "what to ask: alarm, scenes or origin; default: alarm. Without origin still images go to pictures"),
    ROW("deadline", OPT_DURATION, deadline_ms, NULL, 1, JOB_DEADLINE_MAX_MS, "TIME",
        "longest analysis of one file; default: 60s, of scenes and origin 1h"),
};
static const struct option alarm_rows[] = {
    ROW("annotate", OPT_STRING, annotate, NULL, 0, 0, "OUT.mp4",
        "also write the clip with boxes drawn; of origin a heat map, OUT.png (one file only)"),
    ROW("low", OPT_DOUBLE, low, "-1", -1, 1, "P", "danger from this score on; -1: the model card's own"),
    ROW("high", OPT_DOUBLE, high, "-1", -1, 1, "P", "intrusion from this score on; -1: the model card's own"),
    ROW("max-frames", OPT_INT, max_frames, "600", 1, 100000, "N", "frames judged of one clip at most"),
};
static const struct option scenes_rows[] = {
    ROW("scenes-blocks", OPT_STRING, blocks, "people,texts,tags", 0, 0, "LIST",
        "what to look for, as far as there are models"),
    ROW("biometrics", OPT_STRING, biometrics, "none", 0, 0, "LIST",
        "tell embeddings, thumbnails, age-gender (or all) of faces"),
    ROW("scenes-fps", OPT_DOUBLE, fps, "2", 0.01, 30, "N", "frames a second of video that models see"),
};
static const struct option origin_rows[] = {
    ROW("frames", OPT_INT, frames, "5", 1, ORIGIN_FRAMES_MAX, "N", "frames of a video that are judged"),
    ROW("key-frames", OPT_STRING, key_frames, "even", 0, 0, "METHOD",
        "which frames: even, iframes, flow or color"),
    ROW("faces", OPT_FLAG, faces, "false", 0, 0, NULL, "also look at every face"),
    ROW("nsfw", OPT_FLAG, nsfw, "false", 0, 0, NULL, "also: is it safe for work?"),
    ROW("c2pa-force", OPT_STRING, force, "valid", 0, 0, "STATE",
        "Content Credentials that name a trained model decide when they are trusted, or valid; or never"),
    ROW("heuristic", OPT_STRING, heuristic, NULL, 0, 0, "NAME",
        "which heuristic is the verdict; default: AverageExcludeObsolete"),
    ROW("heuristics", OPT_STRING, heuristics, NULL, 0, 0, "FILE", "heuristics of your own (docs/votes.md)"),
};

enum { ALARM_MS = 60000, SCENES_MS = 3600000, MAGIC = 12 };

struct check {
    struct lab *lab;
    const struct check_settings *s;
    struct scenes_params scenes;
    struct origin_params origin;
    struct page *page; /* NULL: none is wanted */
    int worst;         /* exit status so far */
};

/* ---- which pipeline ---- */

/* Beginnings of files; this process decodes nothing. */
struct beginning {
    size_t at;
    const char *magic;
};
/* As media/still.h recognises them. */
static const struct beginning stills[] = {{0, "\xff\xd8\xff"}, {0, "\x89PNG\r\n\x1a\n"},
                                          {8, "WEBP"},         {0, "GIF87a"},
                                          {0, "GIF89a"},       {0, "BM"},
                                          {0, "II*"},          {0, "MM"}};
/* Sound in a container of films is not among them: it shows itself when there is no picture. */
static const struct beginning sounds[] = {{8, "WAVE"},     {0, "ID3"},      {0, "fLaC"},     {4, "ftypM4A"},
                                          {4, "ftypM4B"},  {0, "\xff\xfb"}, {0, "\xff\xf3"}, {0, "\xff\xf1"},
                                          {0, "\xff\xf9"}, {0, "#!AMR"}};

static bool begins_like(int fd, const struct beginning *rows, size_t n)
{
    char head[MAGIC] = "";

    if (pread(fd, head, sizeof head, 0) < 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (memcmp(head + rows[i].at, rows[i].magic, strlen(rows[i].magic)) == 0)
            return rows[i].at != 8 || memcmp(head, "RIFF", 4) == 0;
    return false;
}

static bool is_still(int fd)
{
    return begins_like(fd, stills, COUNT_OF(stills));
}

const char *check_pipeline(const char *wanted, int fd)
{
    if (text_is(wanted, "alarm"))
        return "alarm";
    if (text_is(wanted, "origin"))
        return is_still(fd)                                ? "origin-image"
               : begins_like(fd, sounds, COUNT_OF(sounds)) ? "origin-sound"
                                                           : "origin-video";
    if (is_still(fd))
        return "pictures";
    return wanted ? wanted : "alarm";
}

static struct alarm_params alarm_params_of(const struct check_settings *s)
{
    struct alarm_params p = job_spec_defaults().alarm;

    p.max_frames = (int)s->max_frames;
    if (s->low >= 0)
        p.rule.low = s->low;
    if (s->high >= 0)
        p.rule.high = s->high;
    return p;
}

static int fill_spec(const struct check *c, int fd, const char *path, struct subject_part *whole,
                     struct job_spec *spec, struct err *err)
{
    struct stat st;

    *spec = job_spec_defaults();
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return FAIL(err, ERR_INPUT, "not a file");
    if (hash_fd(fd, spec->subject.sha256) < 0)
        return FAIL_ERRNO(err, "cannot read it");
    spec->id = "check";
    spec->pipeline = check_pipeline(c->s->pipeline, fd);
    spec->subject.size = st.st_size;
    spec->subject.name = path;
    spec->deadline_ms = c->s->deadline_ms;
    if (!spec->deadline_ms)
        spec->deadline_ms = text_is(spec->pipeline, "alarm") ? ALARM_MS : SCENES_MS;
    spec->alarm = alarm_params_of(c->s);
    spec->scenes = c->scenes;
    spec->origin = c->origin;
    if (text_is(spec->pipeline, "pictures")) {
        *whole = (struct subject_part){.size = st.st_size};
        spec->scenes.parts = whole;
        spec->scenes.nparts = 1;
    }
    return job_spec_check(spec, err);
}

/* ---- one file ---- */

/* Runs the annotate pipeline with the report of the first run. */
static int annotate(const struct check *c, struct arena *a, int fd, struct job_spec spec,
                    const struct report *report, struct err *err)
{
    CLEANUP(fd_closep) int out = -1;
    struct lab_task task = {.spec = spec, .subject_fd = fd};
    struct checked drawn;

    if (!text_is(spec.pipeline, "alarm"))
        return FAIL(err, ERR_INPUT, "boxes are drawn for pipeline alarm only");
    if ((out = open(c->s->annotate, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0)
        return FAIL_ERRNO(err, "cannot write %s", c->s->annotate);
    task.artefact_fd = out;
    task.spec.pipeline = "annotate";
    task.spec.annotate.report = report;
    if (check_run(a, c->lab, &task, c->s->annotate, &drawn, err) < 0)
        return -1;
    if (drawn.report->error.kind != ERR_NONE)
        return FAIL(err, drawn.report->error.kind, "the annotated clip could not be made: %s",
                    drawn.report->error.text);
    return 0;
}

/* What an analyst left there is foreign, and a page without thumbnails is a page: nothing here fails. */
static void read_thumbnails(struct arena *a, int fd, struct page_entry *e)
{
    struct strip_frame *frames;
    struct stat st;
    uint8_t *file;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > STRIP_MAX_BYTES)
        return;
    file = arena_alloc(a, (size_t)st.st_size);
    n = pread(fd, file, (size_t)st.st_size, 0);
    if (n == st.st_size && strip_read(a, bytes_of(file, (size_t)n), &frames, &e->nframes, NULL) == 0)
        e->frames = frames;
}

static void print(const struct check *c, const char *path, const struct checked *found)
{
    if (c->s->json)
        puts(found->json);
    else
        report_print(path, found->report);
    fflush(stdout);
}

static int open_heatmap(const struct check *c, const struct job_spec *spec, int *ret_fd, struct err *err)
{
    if (!text_is(spec->pipeline, "origin-image"))
        return FAIL(err, ERR_INPUT, "heat maps are made of images only");
    *ret_fd = open(c->s->annotate, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return *ret_fd < 0 ? FAIL_ERRNO(err, "cannot write %s", c->s->annotate) : 0;
}

/* Judges it and prints; *ret_entry is what a page shows of it. */
static int judge(struct check *c, struct arena *a, const char *path, struct page_entry *ret_entry,
                 struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(fd_closep) int heatmap = -1;
    CLEANUP(fd_closep) int thumbnails = c->page ? memfd_create("thumbnails", MFD_CLOEXEC) : -1;
    struct lab_task task = {.subject_fd = fd, .artefact_fd = -1};
    struct subject_part whole;
    struct checked found;
    int status;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot open it");
    if (fill_spec(c, fd, path, &whole, &task.spec, err) < 0)
        return -1;
    if (pipeline_is_scenes(task.spec.pipeline))
        task.artefact_fd = thumbnails;
    if (c->s->annotate && pipeline_is_origin(task.spec.pipeline)) {
        if (open_heatmap(c, &task.spec, &heatmap, err) < 0)
            return -1;
        task.artefact_fd = heatmap;
    }
    if (check_run(a, c->lab, &task, path, &found, err) < 0)
        return -1;
    if (text_is(task.spec.pipeline, "origin-video") && found.report->error.kind == ERR_NO_STREAM) {
        task.spec.pipeline = "origin-sound";
        if (check_run(a, c->lab, &task, path, &found, err) < 0)
            return -1;
    }
    print(c, path, &found);
    ret_entry->report = found.report;
    if (thumbnails >= 0)
        read_thumbnails(a, thumbnails, ret_entry);
    status = check_status(found.report);
    c->worst = status > c->worst ? status : c->worst;
    if (heatmap >= 0)
        return found.report->origins && found.report->origins->has_heatmap
                   ? 0
                   : FAIL(err, ERR_UNSUPPORTED, "no heat map could be made of it: too small, or not judged");
    return c->s->annotate ? annotate(c, a, fd, task.spec, found.report, err) : 0;
}

static void complain(const char *path, const struct err *err)
{
    struct terminal t = terminal_of(STDERR_FILENO);
    CLEANUP(buf_clear) struct buf text = BUF(1 << 16);

    foreign_plain(&text, path, 4096, t.utf8);
    buf_str(&text, ": ");
    foreign_plain(&text, err->text, sizeof err->text, t.utf8);
    fprintf(stderr, "assay: %s\n", text.data);
}

/* -1 only when the page cannot take any more. */
static int check_file(struct check *c, const char *path, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct page_entry entry = {.name = path};

    if (judge(c, a, path, &entry, &entry.error) < 0) {
        complain(path, &entry.error);
        c->worst = risk_exit_status("");
    }
    return c->page ? page_add(c->page, &entry, err) : 0;
}

/* ---- all of them ---- */

static int check_all(struct check *c, int argc, char **argv)
{
    struct err err;

    if (lab_wait_ready(c->lab, clock_mono_us() + 60000000, &err) < 0)
        return command_failed(&err);
    for (int i = 1; i < argc; i++)
        if (check_file(c, argv[i], &err) < 0)
            return command_failed(&err);
    if (c->page && page_end(c->page, &assay_program, &err) < 0)
        return command_failed(&err);
    return c->worst;
}

static int open_page(struct check *c, int argc, char **argv, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *title = argc == 2 ? argv[1] : arena_printf(a, "%d files", argc - 1);

    return c->s->html ? page_begin(&c->page, c->s->html, title, err) : 0;
}

static int read_heuristics(struct arena *a, const char *path, struct origin_params *p, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(a, HEURISTICS_MAX_BYTES + 1);
    ssize_t n = fd < 0 ? -1 : read(fd, text, HEURISTICS_MAX_BYTES + 1);

    if (n < 0)
        return FAIL_ERRNO(err, "cannot read %s", path);
    return heuristics_from_json(a, bytes_of(text, (size_t)n), &p->own, &p->nown, err);
}

static int origin_params_of(struct arena *a, const struct check_settings *s, struct origin_params *p,
                            struct err *err)
{
    int k = 0, f = 0;

    *p = job_spec_defaults().origin;
    p->frames = (int)s->frames;
    p->faces = s->faces;
    p->unsafe = s->nsfw;
    p->at = clock_wall_us() / 1000000;
    p->heatmap = s->annotate != NULL;
    while (k < KEY_FRAMES && !text_is(s->key_frames, key_frames_name((enum key_frames)k)))
        k++;
    while (f < CREDENTIALS_FORCES && !text_is(s->force, credentials_force_name((enum credentials_force)f)))
        f++;
    if (k == KEY_FRAMES)
        return FAIL(err, ERR_INPUT, "key-frames must be even, iframes, flow or color");
    if (f == CREDENTIALS_FORCES)
        return FAIL(err, ERR_INPUT, "c2pa-force must be trusted, valid or never");
    p->choose = (enum key_frames)k;
    p->force = (enum credentials_force)f;
    if (s->heuristic)
        p->heuristic = s->heuristic;
    return s->heuristics ? read_heuristics(a, s->heuristics, p, err) : 0;
}

static int check_settings_check(const struct check_settings *s, struct scenes_params *ret, struct err *err)
{
    *ret = job_spec_defaults().scenes;
    ret->fps = s->fps;
    if (s->pipeline && !text_is(s->pipeline, "alarm") && !text_is(s->pipeline, "scenes") &&
        !text_is(s->pipeline, "origin"))
        return FAIL(err, ERR_INPUT, "pipeline must be alarm, scenes or origin");
    return scenes_params_words(ret, s->blocks, s->biometrics, err);
}

static const struct command_help help = {
    .usage = "assay check [options] FILE...",
    .text =
        "Judges files on this machine, without a server, in the same sandbox as behind the API: videos as\n"
        "alarm clips, or (--pipeline scenes) for shots, people, texts and sections; still images for tags,\n"
        "people and texts; or (--pipeline origin) images, videos and sounds: made by a human or a machine?\n"
        "Exit status, the worst of all files: 0 safe, 10 danger, 20 intrusion, 30 no verdict; for scenes "
        "and\n"
        "images 0 judged as a whole, 30 not; for origin 0 human, 20 artificial, 30 unknown. 1 and 2: not\n"
        "started, or the page could not be written.",
    .after = "Examples:\n"
             "  assay check clip.mp4\n"
             "  assay check --json *.mp4 | jq .verdict.risk\n"
             "  assay check --annotate seen.mp4 clip.mp4\n"
             "  assay check --pipeline scenes --html report.html film.mp4\n"
             "  assay check --biometrics age-gender photo.jpg\n"
             "  assay check --pipeline origin --annotate where.png photo.jpg",
};

static int run(struct check *c, const struct lab_opts *opts, int argc, char **argv)
{
    struct err err;
    int status;

    if (open_page(c, argc, argv, &err) < 0 || lab_start(&c->lab, opts, &err) < 0)
        return command_failed(&err);
    status = check_all(c, argc, argv);
    lab_stop(c->lab);
    return status;
}

static int check_command(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct common_settings common;
    struct check_settings s = {0};
    struct data_settings data;
    struct lab_settings lab;
    struct option_set sets[] = {common_set(&common),
                                {"Check", check_rows, COUNT_OF(check_rows), &s},
                                {"Alarm clips", alarm_rows, COUNT_OF(alarm_rows), &s},
                                {"Scenes and images", scenes_rows, COUNT_OF(scenes_rows), &s},
                                {"Human or artificial", origin_rows, COUNT_OF(origin_rows), &s},
                                data_set(&data),
                                lab_set(&lab)};
    struct check c = {.s = &s};
    struct conf *conf;
    struct lab_opts opts;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc < 2 || (s.annotate && argc != 2))
        return command_misused(&help, NULL);
    if (check_settings_check(&s, &c.scenes, &err) < 0 || origin_params_of(a, &s, &c.origin, &err) < 0) {
        fprintf(stderr, "assay: %s\n", err.text);
        return 2;
    }
    log_setup(LOG_WARN, false);
    lab.analysts = lab.analysts ? lab.analysts : 1;
    opts = lab_opts_of(&lab, &data, a);
    status = run(&c, &opts, argc, argv);
    page_freep(&c.page);
    return status;
}

const struct command command_check = {"check", "a verdict for files, without a server", check_command};
