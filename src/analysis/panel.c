#include "analysis/panel.h"

#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/origin.h"

struct panel {
    struct arena *arena; /* of the report */
    struct report *report;
    const struct jury *jury;
    size_t njudges;
    struct origin_judge *judges[ORIGIN_SEATS];
    struct voter *voters;
    struct face_finder *finder; /* NULL: nobody looks for faces */
    size_t nfaces;
    struct face_judge *faces[ORIGIN_SEATS];
    struct nsfw_judge *unsafe; /* NULL: nobody asks */
};

int origin_tools_check(const struct origin_tools *t, struct err *err)
{
    return t->problem.kind == ERR_NONE ? 0 : FAIL(err, t->problem.kind, "%s", t->problem.text);
}

struct origins *origins_new(struct report *report, const struct jury *jury)
{
    struct origins *o = arena_alloc(report->arena, sizeof *o);

    o->nheuristics = jury->n;
    o->main = jury->main;
    o->heuristics = arena_array(report->arena, jury->n, sizeof *o->heuristics);
    for (size_t i = 0; i < jury->n; i++)
        o->heuristics[i] = jury->all[i]->name;
    report->origins = o;
    return o;
}

/* ---- who is asked ---- */

static struct voter *voters_of(struct arena *a, const struct origin_seat *seats, size_t n, const char *media)
{
    struct voter *all = arena_array(a, n, sizeof *all);

    for (size_t i = 0; i < n; i++)
        all[i] = (struct voter){arena_strdup(a, seats[i].card->name), card_counts_for(seats[i].card, media),
                                seats[i].card->origin.obsolete};
    return all;
}

static void seat_judges(struct panel *p, const struct origin_tools *t, const char *media)
{
    p->njudges = t->npictures;
    p->voters = voters_of(p->arena, t->pictures, t->npictures, media);
    for (size_t i = 0; i < t->npictures; i++) {
        p->judges[i] = origin_judge_new(p->arena, t->pictures[i].model, t->pictures[i].card);
        note_card(p->report, t->pictures[i].card);
    }
}

static void seat_face_judges(struct panel *p, const struct origin_tools *t)
{
    struct origins *o = p->report->origins;

    if (!t->find_faces || !t->nfaces)
        return;
    p->finder = face_finder_new(p->arena, t->find_faces);
    note_model(p->report, t->find_faces);
    p->nfaces = o->nface_models = t->nfaces;
    o->face_models = voters_of(p->arena, t->faces, t->nfaces, "face");
    for (size_t i = 0; i < t->nfaces; i++) {
        p->faces[i] = face_judge_new(p->arena, t->faces[i].model);
        note_card(p->report, t->faces[i].card);
    }
}

struct panel *panel_new(const struct toolbox *tools, const struct origin_params *params, const char *media,
                        const struct jury *jury, struct report *report)
{
    const struct origin_tools *t = &tools->origin;
    struct panel *p = arena_alloc(report->arena, sizeof *p);

    p->arena = report->arena;
    p->report = report;
    p->jury = jury;
    seat_judges(p, t, media);
    if (params->faces)
        seat_face_judges(p, t);
    if (params->unsafe && t->unsafe) {
        p->unsafe = nsfw_judge_new(p->arena, t->unsafe);
        note_model(report, t->unsafe);
        report->origins->unsafe_known = true;
    }
    return p;
}

struct origin_stream panel_stream(const struct panel *p, size_t max_parts)
{
    struct origin_stream s = {.nmodels = p->njudges, .models = p->voters};

    s.parts = arena_array(p->arena, max_parts, sizeof *s.parts);
    return s;
}

/* ---- one picture ---- */

static double seconds_since(int64_t begin_us)
{
    return (double)(clock_mono_us() - begin_us) / 1e6;
}

static struct opinion opinion_of(const struct origin_opinion *o, int64_t begin_us)
{
    return (struct opinion){
        .vote = {.unknown = o->unknown,
                 .score = {[ORIGIN_HUMAN] = o->human, [ORIGIN_ARTIFICIAL] = o->artificial}},
        .code = o->code,
        .seconds = seconds_since(begin_us),
    };
}

static int ask_judges(struct panel *p, struct arena *scratch, const struct picture *bgr, int64_t deadline,
                      struct origin_part *ret, struct err *err)
{
    struct origin_opinion o;

    ret->opinions = arena_array(p->arena, p->njudges, sizeof *ret->opinions);
    for (size_t i = 0; i < p->njudges; i++) {
        int64_t begin = clock_mono_us();

        if (origin_judge_picture(p->judges[i], scratch, bgr, deadline, &o, err) < 0)
            return -1;
        ret->opinions[i] = opinion_of(&o, begin);
    }
    return 0;
}

static int ask_about_face(struct panel *p, const struct picture *bgr, const struct face *face,
                          int64_t deadline, struct origin_face *ret, struct err *err)
{
    struct origin_opinion o;

    ret->box = face->box;
    ret->opinions = arena_array(p->arena, p->nfaces, sizeof *ret->opinions);
    for (size_t i = 0; i < p->nfaces; i++) {
        int64_t begin = clock_mono_us();

        if (face_judge_face(p->faces[i], bgr, face, deadline, &o, err) < 0)
            return -1;
        ret->opinions[i] = opinion_of(&o, begin);
    }
    ret->ruling = jury_on_face(p->jury, p->report->origins->face_models, p->nfaces, ret->opinions);
    return 0;
}

static int by_size(const void *x, const void *y)
{
    const struct face *a = x, *b = y;
    float left = a->box.w * a->box.h, right = b->box.w * b->box.h;

    return (left < right) - (left > right);
}

static int ask_about_faces(struct panel *p, struct arena *scratch, const struct picture *bgr,
                           int64_t deadline, struct origin_part *ret, struct err *err)
{
    struct face *faces;
    size_t n;

    if (faces_find(p->finder, scratch, bgr, deadline, &faces, &n, err) < 0)
        return -1;
    if (n > 1)
        qsort(faces, n, sizeof *faces, by_size);
    ret->has_faces = true;
    ret->nfaces = n < ORIGIN_MAX_FACES ? n : ORIGIN_MAX_FACES;
    ret->faces = arena_array(p->arena, ret->nfaces, sizeof *ret->faces);
    for (size_t i = 0; i < ret->nfaces; i++)
        if (ask_about_face(p, bgr, &faces[i], deadline, &ret->faces[i], err) < 0)
            return -1;
    return 0;
}

static int ask_safety(struct panel *p, const struct picture *bgr, int64_t deadline, struct origin_part *ret,
                      struct err *err)
{
    struct nsfw_opinion o;

    if (nsfw_judge_picture(p->unsafe, bgr, deadline, &o, err) < 0)
        return -1;
    ret->unsafe = fmin(fmax(o.score, 0), 1);
    p->report->origins->unsafe |= o.unsafe;
    return 0;
}

int panel_judge(struct panel *p, const struct picture *bgr, int64_t deadline_mono_us, struct origin_part *ret,
                struct err *err)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    const struct origin_stream *stream = &(struct origin_stream){.nmodels = p->njudges, .models = p->voters};
    int64_t begin = clock_cpu_us();
    int r;

    ret->unsafe = (double)NAN;
    r = ask_judges(p, scratch, bgr, deadline_mono_us, ret, err);
    if (r == 0 && p->finder)
        r = ask_about_faces(p, scratch, bgr, deadline_mono_us, ret, err);
    if (r == 0 && p->unsafe)
        r = ask_safety(p, bgr, deadline_mono_us, ret, err);
    if (r == 0)
        jury_on_part(p->jury, stream, ret);
    p->report->infer_us += clock_cpu_us() - begin;
    return r;
}
