/* Images, videos and sounds through pipelines "origin-...", with the program's own detectors: every subject
 * ends with opinions, rulings and codes, or with a reason, and never with a verdict out of nothing. */
#include "report/origin.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../media/clips.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "kit.h"
#include "media/png.h"
#include "report/json.h"
#include "test.h"

static struct kit kit;
static bool ready;

static int made_image(int width, int height, uint32_t seed)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = {width, height, 3, arena_array(a, (size_t)width * (size_t)height, 3)};
    int fd = memfd_create("image", MFD_CLOEXEC);
    struct err err;

    for (int i = 0; i < width * height * 3; i++) {
        seed = seed * 1664525u + 1013904223u;
        p.pixels[i] = (uint8_t)(100 + (i / 3 % width) * 90 / width + (int)(seed >> 27));
    }
    CHECK_INT(png_write(fd, &p, &err), 0);
    return fd;
}

/* 16-bit mono. */
static int made_sound(double seconds, double amplitude, double hertz)
{
    enum { RATE = 16000 };
    uint32_t n = (uint32_t)(seconds * RATE), bytes = n * 2;
    uint8_t head[44] = "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data";
    int fd = memfd_create("sound", MFD_CLOEXEC);

    for (int i = 0; i < 4; i++) {
        head[4 + i] = (uint8_t)((bytes + 36) >> (8 * i));
        head[40 + i] = (uint8_t)(bytes >> (8 * i));
    }
    CHECK(write(fd, head, sizeof head) == sizeof head);
    for (uint32_t i = 0; i < n; i++) {
        int16_t v = (int16_t)lrint(amplitude * 32767 * sin(2 * M_PI * hertz * i / RATE));
        CHECK(write(fd, &v, sizeof v) == sizeof v);
    }
    return fd;
}

static struct report *judge(struct arena *a, const char *pipeline, int fd, int artefact,
                            const struct origin_params *params)
{
    struct job_spec spec = job_spec_defaults();
    struct report *r;

    spec.pipeline = pipeline;
    spec.subject.size = lseek(fd, 0, SEEK_END);
    if (params)
        spec.origin = *params;
    r = report_new(a, &spec);
    analyse(&kit.tools, &spec, (struct subject_fds){.media = fd, .artefact = artefact}, r);
    return r;
}

/* What it says of itself is read back as it is. */
static void survives(struct arena *a, const struct report *r)
{
    struct bytes text = report_to_json(a, r);
    struct report *back;
    struct err err = {0};

    CHECK_INT(report_from_json(a, text, &back, &err), 0);
    CHECK_STR(err.text, "");
}

static struct origin_params asked(void)
{
    return job_spec_defaults().origin;
}

static void every_opinion_is_known_or_coded(const struct origin_stream *s)
{
    for (size_t i = 0; i < s->nparts; i++)
        for (size_t m = 0; m < s->nmodels; m++) {
            const struct opinion *o = &s->parts[i].opinions[m];
            CHECK(o->vote.unknown == (o->code != NULL));
            CHECK(o->vote.unknown ||
                  fabs(o->vote.score[ORIGIN_HUMAN] + o->vote.score[ORIGIN_ARTIFICIAL] - 1) < 1e-9);
        }
}

static void an_image(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = made_image(400, 300, 7);
    struct report *r = judge(a, "origin-image", fd, -1, NULL),
                  *again = judge(a, "origin-image", fd, -1, NULL);
    const struct origin_stream *s, *t;

    CHECK_INT(r->error.kind, ERR_NONE);
    CHECK(r->origins && r->origins->pictures);
    s = r->origins->pictures;
    t = again->origins->pictures;
    CHECK_INT(s->nparts, 1);
    CHECK_INT(s->nmodels, kit.tools.origin.npictures);
    CHECK_INT(r->origins->nheuristics, HEURISTICS);
    CHECK_INT(r->media.width, 400);
    every_opinion_is_known_or_coded(s);
    for (size_t m = 0; m < s->nmodels; m++)
        CHECK(memcmp(&s->parts[0].opinions[m].vote.score, &t->parts[0].opinions[m].vote.score,
                     sizeof s->parts[0].opinions[m].vote.score) == 0);
    CHECK(r->origins->credentials_read && r->origins->credentials.state == CREDENTIALS_NONE);
    CHECK(!r->origins->has_heatmap);
    survives(a, r);
}

static void too_small_is_no_verdict(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = made_image(60, 60, 3);
    CLEANUP(fd_closep) int map = memfd_create("map", MFD_CLOEXEC);
    struct origin_params p = asked();
    struct report *r;

    p.heatmap = true;
    r = judge(a, "origin-image", fd, map, &p);
    CHECK_INT(r->error.kind, ERR_NONE);
    for (size_t m = 0; m < r->origins->pictures->nmodels; m++)
        CHECK_STR(r->origins->pictures->parts[0].opinions[m].code, "too_small");
    for (size_t i = 0; i < r->origins->nheuristics; i++)
        CHECK(r->origins->pictures->rulings[i].answer.unknown);
    CHECK(!r->origins->has_heatmap && lseek(map, 0, SEEK_END) == 0);
    survives(a, r);
}

static void heat_maps_are_reproducible(void)
{
    struct origin_params p = asked();
    CLEANUP(fd_closep) int fd = made_image(300, 200, 5);
    size_t n[2];
    uint8_t *png[2];

    p.heatmap = true;
    for (int i = 0; i < 2; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int map = memfd_create("map", MFD_CLOEXEC);
        struct report *r = judge(a, "origin-image", fd, map, &p);

        CHECK_INT(r->error.kind, ERR_NONE);
        CHECK(r->origins->has_heatmap);
        png[i] = clip_bytes(map, &n[i]);
    }
    CHECK(n[0] > 100 && n[0] == n[1] && memcmp(png[0], png[1], n[0]) == 0);
    CHECK(memcmp(png[0], "\x89PNG", 4) == 0);
    free(png[0]);
    free(png[1]);
}

static void a_video(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = clip_mp4(320, 240, 20, 10, 1);
    struct report *r = judge(a, "origin-video", fd, -1, NULL);
    const struct origin_stream *s = r->origins->pictures;

    CHECK_INT(r->error.kind, ERR_NONE);
    if (!s)
        return;
    CHECK_INT(s->nparts, 5);
    every_opinion_is_known_or_coded(s);
    for (size_t i = 0; i < s->nparts; i++) {
        CHECK(text_is_hex(s->parts[i].sha256, HASH_HEX - 1));
        CHECK(i == 0 || s->parts[i].time.start > s->parts[i - 1].time.start);
    }
    CHECK(s->on_means != NULL);
    CHECK_INT(r->origins->ntracks, 0);
    survives(a, r);
}

static void a_video_with_sound(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = -1;
    struct report *r;

    if (!clip_has("ffmpeg"))
        return;
    fd = clip_ffmpeg("-f lavfi -i testsrc=size=320x240:rate=10:duration=3 -f lavfi -i "
                     "sine=frequency=440:duration=3 -c:v libx264 -c:a aac ",
                     ".mp4");
    r = judge(a, "origin-video", fd, -1, NULL);
    CHECK_INT(r->error.kind, ERR_NONE);
    CHECK_INT(r->origins->ntracks, 1);
    for (size_t i = 0; i < r->origins->tracks[0].nparts; i++)
        for (size_t m = 0; m < r->origins->tracks[0].nmodels; m++)
            CHECK_STR(r->origins->tracks[0].parts[i].opinions[m].code, "not_speech");
    for (size_t i = 0; i < r->origins->nheuristics; i++)
        CHECK(r->origins->tracks[0].rulings[i].answer.unknown);
    survives(a, r);
}

static void what_is_no_speech(void)
{
    static const struct {
        double seconds, amplitude, hertz;
    } rows[] = {{5, 0, 1}, {5, 0.5, 440}, {0.5, 0.5, 200}, {0.01, 0.5, 200}};

    for (size_t k = 0; k < COUNT_OF(rows); k++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int fd = made_sound(rows[k].seconds, rows[k].amplitude, rows[k].hertz);
        struct report *r = judge(a, "origin-sound", fd, -1, NULL);

        CHECK_INT(r->error.kind, ERR_NONE);
        CHECK_INT(r->origins->ntracks, 1);
        for (size_t i = 0; i < r->origins->nheuristics; i++)
            CHECK(r->origins->tracks[0].rulings[i].answer.unknown);
        every_opinion_is_known_or_coded(&r->origins->tracks[0]);
        CHECK(fabs(r->origins->tracks[0].duration - rows[k].seconds) < 0.01);
        survives(a, r);
    }
}

static void what_is_none_of_it(void)
{
    static const struct {
        const char *pipeline, *bytes;
        enum err_kind kind;
    } rows[] = {
        {"origin-image", "not a picture, not at all", ERR_DECODE},
        {"origin-image", "", ERR_DECODE},
        {"origin-video", "not a video, not at all", ERR_DECODE},
        {"origin-sound", "not a sound, not at all", ERR_DECODE},
        {"origin-sound", "", ERR_DECODE},
    };
    CLEANUP(fd_closep) int silent = clip_mp4(64, 48, 3, 10, 1);

    for (size_t k = 0; k < COUNT_OF(rows); k++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(fd_closep) int fd = clip_of(rows[k].bytes, strlen(rows[k].bytes));
        struct report *r = judge(a, rows[k].pipeline, fd, -1, NULL);

        CHECK_INT(r->error.kind, rows[k].kind);
        CHECK(!r->origins->pictures && !r->origins->ntracks);
        survives(a, r);
    }
    {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CHECK_INT(judge(a, "origin-sound", silent, -1, NULL)->error.kind, ERR_NO_STREAM);
        CHECK_INT(judge(a, "origin-image", silent, -1, NULL)->error.kind, ERR_DECODE);
    }
}

/* A PNG with a text chunk before its end, which nobody has signed. */
static int with_a_remark(const uint8_t *png, size_t n)
{
    enum { END = 12 }; /* IEND */
    static const uint8_t remark[] = "\0\0\0\3tEXta\0b";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    uint8_t *all = arena_alloc(a, n + sizeof remark + 3), *at = all + n - END;
    uint32_t crc = UINT32_MAX;

    memcpy(all, png, n - END);
    memcpy(at, remark, sizeof remark - 1);
    for (size_t i = 4; i < sizeof remark - 1; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    at += sizeof remark - 1;
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(~crc >> (24 - 8 * i));
    memcpy(at + 4, png + n - END, END);
    return clip_of(all, n + sizeof remark - 1 + 4);
}

/* Signed by a generator, then with a chunk that was not there. */
static void credentials_decide(void)
{
    const char *shared = getenv("ASSAY_SHARED");
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep)
    int fd =
        open(arena_printf(a, "%s/data/c2pa/c2pa-ts/amazon-titan-g1.png", shared ? shared : ""), O_RDONLY);
    struct origin_params p = asked();
    struct report *r;
    uint8_t *bytes;
    size_t n;

    if (fd < 0) {
        SKIP("no development data");
        return;
    }
    p.at = 1750000000;
    r = judge(a, "origin-image", fd, -1, &p);
    CHECK_INT(r->origins->credentials.state, CREDENTIALS_VALID);
    CHECK(r->origins->forced && r->origins->credentials.json);
    survives(a, r);
    p.force = FORCE_TRUSTED;
    CHECK(!judge(a, "origin-image", fd, -1, &p)->origins->forced);
    bytes = clip_bytes(fd, &n);
    p.force = FORCE_VALID;
    {
        CLEANUP(fd_closep) int changed = with_a_remark(bytes, n);
        r = judge(a, "origin-image", changed, -1, &p);
        CHECK_INT(r->error.kind, ERR_NONE); /* the picture is as good as before */
        CHECK_INT(r->origins->credentials.state, CREDENTIALS_INVALID);
        CHECK(r->origins->pictures && !r->origins->forced);
        survives(a, r);
    }
    free(bytes);
}

static void with_a_model(void (*test)(void))
{
    if (ready)
        test();
    else
        SKIP("no ONNX Runtime");
}

static void images(void)
{
    with_a_model(an_image);
}

static void small(void)
{
    with_a_model(too_small_is_no_verdict);
}

static void maps(void)
{
    with_a_model(heat_maps_are_reproducible);
}

static void videos(void)
{
    with_a_model(a_video);
}

static void sound_of_videos(void)
{
    with_a_model(a_video_with_sound);
}

static void no_speech(void)
{
    with_a_model(what_is_no_speech);
}

static void rubbish(void)
{
    with_a_model(what_is_none_of_it);
}

static void credentials(void)
{
    with_a_model(credentials_decide);
}

int main(void)
{
    ready = kit_open(&kit, NULL) && kit_add_origin(&kit);
    RUN(images);
    RUN(small);
    RUN(maps);
    RUN(videos);
    RUN(sound_of_videos);
    RUN(no_speech);
    RUN(rubbish);
    RUN(credentials);
    kit_clear(&kit);
    return test_end();
}
