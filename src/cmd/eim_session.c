/* One client of the .eim protocol: what it is answered. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/eim_serve.h"

struct eim_session {
    struct arena *arena;
    const struct eim_host *host;
    struct eim_about about;
    struct impulse impulse; /* with the thresholds of this client */
    struct impulse_learn *learn;
    bool greeted;
    float *past; /* of continuous classification: the last window, its newest numbers behind */
    size_t npast;
};

int eim_session_new(struct eim_session **ret, const struct eim_host *host, struct err *err)
{
    CLEANUP(eim_session_freep) struct eim_session *s = mem_alloc(sizeof *s);
    const struct impulse *p = host->impulse;

    s->arena = arena_new();
    s->host = host;
    if (eim_about_impulse(s->arena, p, host->naxes, host->axes, &s->about, err) < 0)
        return -1;
    s->about.project = host->project;
    s->about.project.impulse = p->id;
    s->about.project.impulse_name = p->name;
    s->learn = arena_array(s->arena, p->nlearn, sizeof *s->learn);
    memcpy(s->learn, p->learn, p->nlearn * sizeof *s->learn); /* at least one: about says so */
    s->impulse = *p;
    s->impulse.learn = s->learn;
    *ret = TAKE(s);
    return 0;
}

void eim_session_freep(struct eim_session **s)
{
    if (!*s)
        return;
    arena_free((*s)->arena);
    free((*s)->past);
    free(*s);
    *s = NULL;
}

/* ---- judging ---- */

static struct bytes judge(struct eim_session *s, struct arena *a, const struct eim_request *r,
                          const float *features)
{
    struct eim_question q = {&s->impulse, s->about.nfeatures, features};
    struct eim_result result = {0};
    struct err err = {0};
    int64_t begun = clock_mono_us();

    if (s->host->judge(s->host->arg, a, &q, &result, &err) < 0)
        return eim_failure_write(a, r, err.text);
    if (result.dsp_ms <= 0 && result.model_ms <= 0)
        result.model_ms = (double)(clock_mono_us() - begun) / 1000;
    return eim_result_write(a, r->id, &s->about, &result);
}

static struct bytes wrong_number(struct arena *a, const struct eim_request *r, const char *key, size_t right)
{
    return eim_failure_write(
        a, r, arena_printf(a, "'%s' must have %zu numbers, not %zu; hello tells", key, right, r->n));
}

static struct bytes classify(struct eim_session *s, struct arena *a, const struct eim_request *r)
{
    if (r->n != s->about.nfeatures)
        return wrong_number(a, r, "classify", s->about.nfeatures);
    return judge(s, a, r, r->features);
}

/* Until a whole window has come, every score is 0, as programs of the vendor say it. */
static struct bytes not_yet(struct eim_session *s, struct arena *a, const struct eim_request *r)
{
    float *zeros = arena_array(a, s->about.nlabels, sizeof *zeros);
    struct eim_result none = {.nscores = s->about.nlabels,
                              .scores = zeros,
                              .has_anomaly = s->about.anomaly == EIM_KMEANS || s->about.anomaly == EIM_GMM};

    return eim_result_write(a, r->id, &s->about, &none);
}

static struct bytes classify_slice(struct eim_session *s, struct arena *a, const struct eim_request *r)
{
    size_t all = s->about.nfeatures, keep;

    if (!s->about.slice)
        return eim_failure_write(a, r, "this impulse has no slices; send whole windows with 'classify'");
    if (r->n != s->about.slice)
        return wrong_number(a, r, "classify_continuous", s->about.slice);
    if (!s->past)
        s->past = mem_resize(NULL, all, sizeof *s->past);
    keep = s->npast < all - r->n ? s->npast : all - r->n;
    memmove(s->past, s->past + s->npast - keep, keep * sizeof *s->past);
    memcpy(s->past + keep, r->features, r->n * sizeof *s->past);
    s->npast = keep + r->n;
    return s->npast < all ? not_yet(s, a, r) : judge(s, a, r, s->past);
}

/* ---- thresholds ---- */

static bool has_key(const struct eim_session *s, int64_t block, const char *key)
{
    for (size_t i = 0; i < s->about.nthresholds; i++)
        if (s->about.thresholds[i].block == block && text_is(s->about.thresholds[i].key, key))
            return true;
    return false;
}

static int set_one(struct eim_session *s, const struct eim_threshold *t, struct err *err)
{
    bool score = text_is(t->key, "min_score");

    if (!has_key(s, t->block, t->key))
        return FAIL(err, ERR_INPUT, "block %lld has no threshold '%.40s'; hello tells which there are",
                    (long long)t->block, t->key);
    if (score && !(t->value >= 0 && t->value <= 1))
        return FAIL(err, ERR_INPUT, "a score is from 0 to 1");
    for (size_t i = 0; i < s->impulse.nlearn; i++)
        if (s->learn[i].id == t->block)
            s->learn[i].min_score = t->value;
    return 0;
}

static struct bytes set_thresholds(struct eim_session *s, struct arena *a, const struct eim_request *r)
{
    struct err err = {0};

    if (!r->nset)
        return eim_failure_write(a, r, "'set_threshold' names no threshold");
    for (size_t i = 0; i < r->nset; i++)
        if (set_one(s, &r->set[i], &err) < 0)
            return eim_failure_write(a, r, err.text);
    return eim_success_write(a, r->id);
}

/* ---- what is answered ---- */

static struct bytes hello(struct eim_session *s, struct arena *a, const struct eim_request *r)
{
    s->greeted = true;
    return eim_hello_write(a, r->id, &s->about);
}

static struct bytes (*const answers[EIM_ASKS])(struct eim_session *s, struct arena *a,
                                               const struct eim_request *r) = {
    [EIM_HELLO] = hello,
    [EIM_CLASSIFY] = classify,
    [EIM_CONTINUOUS] = classify_slice,
    [EIM_SET_THRESHOLD] = set_thresholds,
};

struct bytes eim_session_answer(struct eim_session *s, struct arena *a, struct bytes message, bool *ret_end)
{
    struct eim_request r;
    struct err err = {0};
    bool bad = eim_request_read(a, message, &r, &err) < 0;

    *ret_end = bad && err.kind != ERR_INPUT;
    if (bad)
        return eim_failure_write(a, &r, err.text);
    if (r.ask == EIM_HELLO && s->greeted)
        return eim_failure_write(a, &r, "hello was said already");
    if (r.ask != EIM_HELLO && !s->greeted)
        return eim_failure_write(a, &r, "the first message must be hello");
    return answers[r.ask](s, a, &r);
}
