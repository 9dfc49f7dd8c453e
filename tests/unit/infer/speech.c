/* Cards of models that hear, opinions, and the own voice gate. */
#include "infer/speech.h"

#include <math.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "infer/voice.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define HEAD(task)                                                                                  \
    "{'schema':'assay.model/1','name':'tiny','version':'1.0','task':'" task "','file':'tiny.onnx'," \
    "'sha256':'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad','licence':'MIT',"  \
    "'source':'here','made_by':'us','weakness':'all',"

static const char voice[] = HEAD("voice") "'input':{'name':'x','samples':576},'output':{'name':'p'},"
                                          "'state':{'input':'s','output':'t'},'rate':'sr','threshold':0.4}";
static const char speech[] =
    HEAD("origin-speech") "'input':{'name':'x','samples':32000},'hop':16000,"
                          "'output':{'name':'y','logits':['human','artificial']},"
                          "'calibration':{'scale':0.5,'offset':-8},'floor':0.7,'artificial_from':0.8,"
                          "'min_voiced':1.5,'verdict':['audio','video'],'obsolete':true}";

/* JSON is written with ' for " above and below. Replaces the first `from` by `to`. */
static struct bytes text(struct arena *a, const char *json, const char *from, const char *to)
{
    const char *at = from ? strstr(json, from) : NULL;
    char *out;

    CHECK(!from || at);
    out = at ? arena_printf(a, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from))
             : arena_strdup(a, json);
    for (char *p = out; *p; p++)
        if (*p == '\'')
            *p = '"';
    return bytes_of(out, strlen(out));
}

static void cards_are_read(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct card c;

    CHECK_INT(card_parse(a, text(a, voice, NULL, NULL), "m", "tiny.json", &c, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(c.input.samples, 576);
    CHECK_INT(c.speech.context, 64);
    CHECK_INT(c.nfeeds, 2);
    CHECK_STR(c.feeds[0].name, "s");
    CHECK(c.feeds[0].is_state && !c.feeds[1].is_state);
    CHECK_STR(c.feeds[1].name, "sr");
    CHECK_INT(c.feeds[1].value, 16000);
    CHECK_STR(c.outputs[1], "t");
    CHECK_NEAR(c.speech.threshold, 0.4, 0);

    CHECK_INT(card_parse(a, text(a, speech, NULL, NULL), "m", "tiny.json", &c, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(c.input.samples, 32000);
    CHECK_INT(c.speech.hop, 16000);
    CHECK(c.speech.human_first && c.origin.obsolete);
    CHECK_NEAR(c.origin.scale, 0.5, 0);
    CHECK_NEAR(c.origin.offset, -8, 0);
    CHECK_NEAR(c.origin.floor, 0.7, 0);
    CHECK_NEAR(c.origin.artificial_from, 0.8, 0);
    CHECK_NEAR(c.speech.min_voiced, 1.5, 0);
    CHECK_INT(c.origin.media, MEDIA_AUDIO | MEDIA_VIDEO);
}

static void what_is_left_out_has_its_default(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct card c;

    CHECK_INT(card_parse(a, text(a, speech, "'hop':16000,", ""), "m", "x", &c, NULL), 0);
    CHECK_INT(c.speech.hop, 32000);
    CHECK_INT(card_parse(a, text(a, speech, "'floor':0.7,'artificial_from':0.8,'min_voiced':1.5,", ""), "m",
                         "x", &c, NULL),
              0);
    CHECK_NEAR(c.origin.floor, 0.5, 0);
    CHECK_NEAR(c.speech.min_voiced, 1, 0);
    CHECK_INT(card_parse(a, text(a, speech, "['audio','video'],'obsolete':true", "[]"), "m", "x", &c, NULL),
              0);
    CHECK(c.origin.media == 0 && !c.origin.obsolete);
    CHECK_INT(card_parse(a, text(a, voice, "'rate':'sr','threshold':0.4", "'about':{}"), "m", "x", &c, NULL),
              0);
    CHECK_INT(c.nfeeds, 1);
    CHECK_NEAR(c.speech.threshold, 0.5, 0);
}

static void cards_that_make_no_sense_are_refused(void)
{
    static const struct {
        const char *json, *from, *to, *complaint;
    } rows[] = {
        {voice, "'samples':576", "'samples':500", "samples"},
        {voice, "'samples':576", "'samples':1025", "samples"},
        {voice, "'samples':576", "'samples':576.5", "whole"},
        {voice, "'samples':576", "'width':576", "width"},
        {voice, "'state':{'input':'s','output':'t'},", "", "lacks \"state\""},
        {voice, "'output':'t'", "'output':''", "output"},
        {voice, "'threshold':0.4", "'threshold':0", "threshold"},
        {voice, "'threshold':0.4", "'hop':3", "hop"},
        {speech, "'samples':32000", "'samples':100", "samples"},
        {speech, "'samples':32000", "'samples':9000000", "samples"},
        {speech, "'hop':16000", "'hop':0", "hop"},
        {speech, "'hop':16000", "'hop':900000", "hop"},
        {speech, "['human','artificial']", "['human','human']", "logits"},
        {speech, "['human','artificial']", "['human']", "logits"},
        {speech, "['human','artificial']", "'human'", "logits"},
        {speech, "'scale':0.5", "'scale':0", "scale"},
        {speech, "'scale':0.5", "'scale':-1", "scale"},
        {speech, "'offset':-8", "'offset':'8'", "offset"},
        {speech, "'artificial_from':0.8", "'artificial_from':0.6", "artificial_from"},
        {speech, "'floor':0.7", "'floor':0.4", "floor"},
        {speech, "'artificial_from':0.8", "'artificial_from':1.1", "artificial_from"},
        {speech, "'min_voiced':1.5", "'min_voiced':0", "min_voiced"},
        {speech, "['audio','video']", "['audio','audio']", "verdict"},
        {speech, "['audio','video']", "['sound']", "verdict"},
        {speech, "['audio','video']", "'audio'", "verdict"},
        {speech, "['audio','video']", "[7]", "verdict"},
        {speech, "'obsolete':true", "'obsolete':1", "obsolete"},
        {speech, "'name':'y'", "'name':'y','decoder':'softmax'", "decoder"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct card c;

        CHECK_INT(card_parse(a, text(a, rows[i].json, rows[i].from, rows[i].to), "m", "tiny.json", &c, &err),
                  -1);
        CHECK_INT(err.kind, ERR_MODEL);
        CHECK(strstr(err.text, rows[i].complaint) && strstr(err.text, "tiny.json"));
        ROW("%s -> %s: %s", rows[i].from, rows[i].to, err.text);
    }
}

static void logits_become_opinions(void)
{
    static const struct {
        const char *what;
        double scale, offset, floor, artificial_from, logit, artificial;
        const char *code;
    } rows[] = {
        {"plain", 1, 0, 0.5, 0.5, 0, 0.5, NULL},
        {"artificial", 1, 0, 0.5, 0.5, 2, 0.880797, NULL},
        {"human", 1, 0, 0.5, 0.5, -2, 0.119203, NULL},
        {"calibrated", 0.5, -1, 0.5, 0.5, 4, 0.731059, NULL},
        {"below the floor", 1, 0, 0.9, 0.5, 2, 0.880797, "uncertain"},
        {"human below the floor", 1, 0, 0.9, 0.5, -2, 0.119203, "uncertain"},
        {"sure enough for a human", 1, 0, 0.7, 0.9, -2, 0.119203, NULL},
        {"not sure enough to accuse", 1, 0, 0.7, 0.9, 2, 0.880797, "uncertain"},
        {"far out", 1, 0, 0.5, 0.5, 1000, 1, NULL},
        {"far out the other way", 1, 0, 0.5, 0.5, -1000, 0, NULL},
        {"no number", 1, 0, 0.5, 0.5, NAN, 0, "uncertain"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct card_origin o = {.scale = rows[i].scale,
                                      .offset = rows[i].offset,
                                      .floor = rows[i].floor,
                                      .artificial_from = rows[i].artificial_from};
        struct speech_opinion got = speech_opinion_of(&o, rows[i].logit);

        CHECK_NEAR(got.artificial, rows[i].artificial, 1e-6);
        if (!isnan(rows[i].logit))
            CHECK_NEAR(got.human + got.artificial, 1, 1e-12);
        CHECK(got.unknown == (rows[i].code != NULL));
        if (rows[i].code)
            CHECK_STR(got.code, rows[i].code);
        ROW("%s", rows[i].what);
    }
}

/* ---- the own gate ---- */

static double noise_at(int64_t i)
{
    uint32_t x = (uint32_t)i * 2654435761u;

    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    return (double)x / 2147483648.0 - 1;
}

static double silence(int64_t i)
{
    (void)i;
    return 0;
}
static double hiss(int64_t i)
{
    return 0.3 * noise_at(i);
}
static double tone(int64_t i)
{
    return 0.5 * sin(2 * M_PI * 440 * (double)i / VOICE_RATE);
}
static double chord(int64_t i)
{
    double t = (double)i / VOICE_RATE;

    return 0.2 * (sin(2 * M_PI * 220 * t) + sin(2 * M_PI * 277.2 * t) + sin(2 * M_PI * 329.6 * t));
}
/* Syllables: a buzz of many overtones whose pitch glides, four a second, with pauses. */
static double babble(int64_t i)
{
    double t = (double)i / VOICE_RATE, phase = 2 * M_PI * (120 * t + 4 * sin(2 * M_PI * 0.7 * t)), v = 0;

    for (int k = 1; k <= 12; k++)
        v += sin(k * phase) / k;
    return 0.2 * v * fmax(0, sin(2 * M_PI * 2 * t));
}

static double share_of_voice(double (*sound)(int64_t))
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct voice_gate *g = voice_gate_new(a, NULL);
    float frame[VOICE_FRAME];
    int voiced = 0, n = 200;

    for (int k = 0; k < n; k++) {
        bool yes = false;

        for (int i = 0; i < VOICE_FRAME; i++)
            frame[i] = (float)sound((int64_t)k * VOICE_FRAME + i);
        CHECK_INT(voice_gate_hear(g, frame, 0, &yes, NULL), 0);
        voiced += yes;
    }
    return (double)voiced / n;
}

static void the_own_gate_knows_what_is_no_voice(void)
{
    static const struct {
        const char *what;
        double (*sound)(int64_t);
        double least, most;
    } rows[] = {
        {"silence", silence, 0, 0}, {"hiss", hiss, 0, 0.01},      {"tone", tone, 0, 0.01},
        {"chord", chord, 0, 0.02},  {"babble", babble, 0.3, 1.0},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        double share = share_of_voice(rows[i].sound);

        CHECK(share >= rows[i].least && share <= rows[i].most);
        ROW("%s: %.2f", rows[i].what, share);
    }
}

int main(void)
{
    RUN(cards_are_read);
    RUN(what_is_left_out_has_its_default);
    RUN(cards_that_make_no_sense_are_refused);
    RUN(logits_become_opinions);
    RUN(the_own_gate_knows_what_is_no_voice);
    return test_end();
}
