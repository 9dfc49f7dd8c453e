/* Sound into clips: where they begin and end, what is coded unknown, and real speech where it is present. */
#include "analysis/listen.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "media/sound.h"
#include "test.h"

static const char *library(void)
{
    static char path[4096];
    const char *root = getenv("ASSAY_ROOT");

    snprintf(path, sizeof path, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");
    return access(path, R_OK) == 0 ? path : NULL;
}

/* The speech model that the program holds. */
struct kit {
    struct arena *arena;
    struct runtime *rt;
    struct card card;
    struct model *model;
    struct listen_tools tools;
};

static void kit_clear(struct kit *k)
{
    model_freep(&k->model);
    runtime_freep(&k->rt);
    arena_freep(&k->arena);
}

static struct embedded ours(void)
{
    struct embedded none = {0};

    for (size_t i = 0; i < embedded_count(); i++)
        if (text_is(embedded_get(i).name, "assay-speech"))
            return embedded_get(i);
    return none;
}

static bool kit_open(struct kit *k)
{
    struct embedded e = ours();
    struct err err = {0};

    k->arena = arena_new();
    if (runtime_open(&k->rt, library(), &err) < 0 ||
        card_parse(k->arena, e.card, NULL, "embedded", &k->card, &err) < 0 ||
        model_load(&k->model, k->rt, &k->card, e.model, &err) < 0)
        CHECK_STR(err.text, "");
    k->tools = (struct listen_tools){.nspeech = 1, .speech = &k->model};
    return k->model != NULL;
}

/* ---- sounds made here ---- */

static double silence(int64_t i)
{
    (void)i;
    return 0;
}
static double hiss(int64_t i)
{
    uint32_t x = (uint32_t)i * 2654435761u;

    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    return 0.3 * ((double)x / 2147483648.0 - 1);
}
static double tone(int64_t i)
{
    return 0.5 * sin(2 * M_PI * 440 * (double)i / LISTEN_RATE);
}
/* Four notes a second of three voices each, as a piano roll would have them. */
static double music(int64_t i)
{
    static const double notes[] = {220, 246.9, 277.2, 329.6};
    double t = (double)i / LISTEN_RATE, f = notes[i / (LISTEN_RATE / 4) % 4];

    return 0.2 * (sin(2 * M_PI * f * t) + sin(2 * M_PI * f * 1.26 * t) + sin(2 * M_PI * f * 1.498 * t));
}
/* A buzz of many overtones with a gliding pitch. */
static double buzz(double t)
{
    double phase = 2 * M_PI * (120 * t + 4 * sin(2 * M_PI * 0.7 * t)), v = 0;

    for (int k = 1; k <= 12; k++)
        v += sin(k * phase) / k;
    return 0.2 * v;
}
/* In syllables with pauses: what the own gate takes for speech. */
static double babble(int64_t i)
{
    double t = (double)i / LISTEN_RATE;

    return buzz(t) * fmax(0, sin(2 * M_PI * 2 * t));
}
/* Silence, two syllables in half a second, silence. */
static double half_a_second(int64_t i)
{
    double t = (double)i / LISTEN_RATE;

    return t >= 0.5 && t < 1 ? buzz(t) * fabs(sin(2 * M_PI * 2 * t)) : 0;
}
static double only_half_a_second(int64_t i)
{
    return half_a_second(i + LISTEN_RATE / 2);
}

static void feed(struct listen *l, double (*sound)(int64_t), int64_t n, size_t piece)
{
    float some[5000];

    for (int64_t at = 0; at < n; at += (int64_t)piece) {
        size_t m = n - at < (int64_t)piece ? (size_t)(n - at) : piece;

        for (size_t i = 0; i < m; i++)
            some[i] = (float)sound(at + (int64_t)i);
        CHECK_INT(listen_take(l, some, m, NULL), 0);
    }
}

static void clips_follow_each_other(void)
{
    static const struct {
        int64_t samples;
        size_t clips;
        double last_end;
    } rows[] = {
        {0, 0, 0},
        {1, 1, 1.0 / 16000},
        {LISTEN_CLIP - 1, 1, (LISTEN_CLIP - 1) / 16000.0},
        {LISTEN_CLIP, 1, 4.032},
        {LISTEN_CLIP + 1, 2, 4.032 + 1.0 / 16000},
        {LISTEN_CLIP * 3 + 8000, 4, 3 * 4.032 + 0.5},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct listen *l = listen_new(a, &(struct listen_tools){0}, 0);
        struct listen_clip *clips;
        size_t n;

        feed(l, tone, rows[i].samples, 4096);
        CHECK_INT(listen_end(l, &clips, &n, NULL), 0);
        CHECK_INT(n, rows[i].clips);
        for (size_t k = 0; k < n; k++) {
            CHECK_INT(clips[k].index, k);
            CHECK_NEAR(clips[k].start, 4.032 * (double)k, 1e-9);
            CHECK(k == 0 || clips[k - 1].end == clips[k].start);
            CHECK(clips[k].end > clips[k].start);
        }
        if (n)
            CHECK_NEAR(clips[n - 1].end, rows[i].last_end, 1e-9);
        ROW("%lld samples", (long long)rows[i].samples);
    }
}

static void what_is_no_speech_is_unknown(void)
{
    static const struct {
        const char *what;
        double (*sound)(int64_t);
        double seconds;
        const char *code;
    } rows[] = {
        {"silence", silence, 9, "not_speech"},
        {"noise", hiss, 9, "not_speech"},
        {"a tone", tone, 9, "not_speech"},
        {"notes", music, 9, "not_speech"},
        {"half a second of speech in silence", half_a_second, 4, "too_short"},
        {"the same, shorter", half_a_second, 1.5, "too_short"},
        {"nothing but half a second", only_half_a_second, 0.5, "not_speech"},
        {"a blink", babble, 0.1, "not_speech"},
    };
    CLEANUP(kit_clear) struct kit k = {0};

    if (!kit_open(&k))
        return;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct listen *l = listen_new(a, &k.tools, 0);
        struct listen_clip *clips;
        size_t n;

        feed(l, rows[i].sound, (int64_t)(rows[i].seconds * LISTEN_RATE), 4096);
        CHECK_INT(listen_end(l, &clips, &n, NULL), 0);
        CHECK(n > 0);
        for (size_t c = 0; c < n; c++) {
            const struct speech_opinion *o = &clips[c].answers[0].opinion;

            CHECK(o->unknown && o->human == 0 && o->artificial == 0);
            CHECK_STR(o->code, rows[i].code);
            ROW("%s, clip %zu: %.2f s voiced", rows[i].what, c, clips[c].voiced);
        }
    }
}

static void the_cut_of_the_pieces_does_not_matter(void)
{
    static const size_t pieces[] = {1, 160, 512, 4999};
    CLEANUP(kit_clear) struct kit k = {0};
    struct listen_clip *first = NULL;

    if (!kit_open(&k))
        return;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct listen *l = listen_new(k.arena, &k.tools, 0);
        struct listen_clip *clips;
        size_t n;

        feed(l, babble, 6 * LISTEN_RATE, pieces[i]);
        CHECK_INT(listen_end(l, &clips, &n, NULL), 0);
        CHECK_INT(n, 2);
        for (size_t c = 0; first && c < n; c++) {
            const struct speech_opinion *x = &first[c].answers[0].opinion, *y = &clips[c].answers[0].opinion;

            CHECK(first[c].voiced == clips[c].voiced && first[c].voiced > 0.2);
            CHECK(x->unknown == y->unknown && x->human == y->human && x->artificial == y->artificial);
        }
        first = first ? first : clips;
        ROW("pieces of %zu", pieces[i]);
    }
}

static void a_passed_deadline_ends_it_and_keeps_the_clips(void)
{
    CLEANUP(kit_clear) struct kit k = {0};
    struct listen *l;
    struct listen_clip *clips;
    struct err err = {0};
    float some[LISTEN_RATE];
    int r = 0;
    size_t n;

    if (!kit_open(&k))
        return;
    l = listen_new(k.arena, &k.tools, 1);
    for (int i = 0; r == 0 && i < 8; i++) {
        for (int s = 0; s < LISTEN_RATE; s++)
            some[s] = (float)babble(i * LISTEN_RATE + s);
        r = listen_take(l, some, LISTEN_RATE, &err);
    }
    CHECK_INT(r, -1);
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK_INT(listen_take(l, some, 1, &err), -1);
    CHECK_INT(listen_end(l, &clips, &n, &err), 0);
    CHECK_INT(n, 0);
}

/* ---- real sound ---- */

static int64_t listen_to(struct listen *l, const char *path, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(sound_freep) struct sound *s = NULL;
    struct sound_opts o = sound_opts_defaults();
    struct sound_piece p;
    int r = sound_open(&s, fd, &o, err);

    while (r >= 0 && (r = sound_next(s, &p, err)) > 0)
        if (listen_take(l, p.samples, p.n, err) < 0)
            return -1;
    return r < 0 ? -1 : sound_info(s)->samples;
}

static void real_sounds(void)
{
    static const struct {
        const char *file;
        bool speech;
    } rows[] = {
        {"198-209-0000.ogg", true},
        {"3436-172162-0000.ogg", true},
        {"tts_ground_truth.wav", true},
        {"tts_hifigan.wav", true},
        {"silence_5s.wav", false},
        {"noise_5s.wav", false},
        {"glacier-bay-humpback.ogg", false},
        {"456440__inspectorj__bird-whistling-robin-single-13.ogg", false},
    };
    CLEANUP(kit_clear) struct kit k = {0};

    if (!test_shared())
        SKIP("no development data");
    if (!kit_open(&k))
        return;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct listen *l = listen_new(k.arena, &k.tools, 0);
        struct listen_clip *clips = NULL;
        struct err err = {0};
        int asked = 0;
        size_t n = 0;

        CHECK(listen_to(l, arena_printf(k.arena, "%s/data/media/audio/%s", test_shared(), rows[i].file),
                        &err) > 0);
        CHECK_INT(listen_end(l, &clips, &n, &err), 0);
        for (size_t c = 0; c < n; c++)
            asked += clips[c].voiced >= 1;
        CHECK(rows[i].speech ? asked * 2 >= (int)n : asked == 0);
        ROW("%s: asked about %d of %zu clips; %s", rows[i].file, asked, n, err.text);
    }
}

int main(void)
{
    RUN(clips_follow_each_other);
    RUN(what_is_no_speech_is_unknown);
    RUN(the_cut_of_the_pieces_does_not_matter);
    RUN(a_passed_deadline_ends_it_and_keeps_the_clips);
    RUN(real_sounds);
    return test_end();
}
