#include "analysis/portraits.h"

#include <math.h>

#include "analysis/pipelines_int.h"
#include "infer/embedding.h"
#include "infer/traits.h"
#include "media/thumbnail.h"

static const float margin = 0.25f; /* around a face in its thumbnail, of its size */

struct portraits {
    struct scenes_params params;
    struct face_finder *finder;
    struct embedder *embedder;     /* NULL: no vectors */
    struct trait_guesser *guesser; /* NULL: no age, no gender */
    double same_from, gender_floor;
};

struct portraits *portraits_new(struct arena *a, const struct toolbox *tools,
                                const struct scenes_params *params, struct report *report)
{
    const struct scenes_tools *t = &tools->scenes;
    struct portraits *p;

    if (!t->faces || !params->people)
        return NULL;
    p = arena_alloc(a, sizeof *p);
    p->params = *params;
    p->finder = face_finder_new(a, t->faces);
    p->gender_floor = 1;
    note_model(report, t->faces);
    if (t->embedding && params->embeddings) {
        p->embedder = embedder_new(a, t->embedding);
        p->same_from = model_card(t->embedding)->embedding.same_from;
        note_model(report, t->embedding);
    }
    if (t->traits && params->age_gender) {
        p->guesser = trait_guesser_new(a, t->traits);
        p->gender_floor = model_card(t->traits)->traits.gender_floor;
        note_model(report, t->traits);
    }
    return p;
}

struct people *portraits_people(const struct portraits *p, struct arena *a)
{
    struct people_opts opts = {
        .nembedding = p->embedder ? embedding_length(p->embedder) : 0,
        .same_from = p->same_from,
        .gender_floor = p->gender_floor,
        .nknown = p->embedder ? p->params.nknown : 0,
        .known = p->params.known,
    };

    return people_new(a, &opts);
}

/* One face in hand. */
struct sitting {
    struct portraits *p;
    struct people *people;
    struct arena *scratch;
    const struct portrait_sample *sample;
    const struct face *face;
    int64_t deadline;
};

static int look(const struct sitting *s, struct glimpse *g, struct err *err)
{
    struct face_look found = {.age = (double)NAN, .female = (double)NAN, .male = (double)NAN};
    struct traits traits;

    if (s->p->embedder && embedding_make(s->p->embedder, s->scratch, s->sample->bgr, s->face, s->deadline,
                                         &found.embedding, err) < 0)
        return -1;
    if (s->p->guesser) {
        if (traits_guess(s->p->guesser, s->sample->bgr, s->face, s->deadline, &traits, err) < 0)
            return -1;
        found.age = traits.age;
        found.female = traits.female;
        found.male = traits.male;
    }
    people_look(s->people, g, &found);
    return 0;
}

static int photograph(const struct sitting *s, const struct glimpse *g, struct err *err)
{
    struct thumbnail_opts opts = thumbnail_defaults();
    float dx = g->box.w * margin, dy = g->box.h * margin;
    struct box region = {g->box.x - dx, g->box.y - dy, g->box.w + 2 * dx, g->box.h + 2 * dy};
    struct bytes jpeg;

    if (thumbnail_make(s->scratch, s->sample->bgr, region, &opts, &jpeg, err) < 0)
        return -1;
    if (jpeg.len <= SCENERY_MAX_THUMBNAIL)
        people_thumbnail(s->people, g, jpeg);
    return 0;
}

static int sit(const struct sitting *s, struct glimpse *g, struct err *err)
{
    if (g->wants_look && (s->p->embedder || s->p->guesser) && look(s, g, err) < 0)
        return -1;
    return g->wants_thumbnail && s->p->params.thumbnails ? photograph(s, g, err) : 0;
}

int portraits_take(struct portraits *p, struct people *people, struct arena *scratch,
                   const struct portrait_sample *sample, int64_t deadline_mono_us, struct err *err)
{
    struct sitting s = {p, people, scratch, sample, NULL, deadline_mono_us};
    struct glimpse *seen;
    struct face *faces;
    size_t n;

    if (faces_find(p->finder, scratch, sample->bgr, deadline_mono_us, &faces, &n, err) < 0)
        return -1;
    seen = arena_array(scratch, n, sizeof *seen);
    for (size_t i = 0; i < n; i++)
        seen[i] = (struct glimpse){.box = faces[i].box, .score = faces[i].score, .index = (int)i};
    people_sample(people, sample->pts, sample->changed, seen, n);
    for (size_t i = 0; i < n; i++) {
        s.face = &faces[seen[i].index];
        if (sit(&s, &seen[i], err) < 0)
            return -1;
    }
    return 0;
}
