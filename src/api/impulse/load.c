#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"

/* ---- trips ---- */

struct arena *trip_arena(struct trip *t)
{
    return request_arena(t->request);
}

struct api *trip_api(struct trip *t)
{
    return api_of(t->request);
}

void trip_fail(struct trip *t, const struct err *err)
{
    impulse_fail(t->request, &t->visit.caller, err);
}

static void arrive(void *arg)
{
    struct trip *t = arg;

    t->run(t);
}

void trip_again(struct trip *t, void (*run)(struct trip *t))
{
    struct err err;

    t->run = run;
    if (impulse_desk(trip_api(t), arrive, t, &err) < 0)
        trip_fail(t, &err);
}

void trip_begin(struct request *r, const char *scope, void (*run)(struct trip *t))
{
    struct trip *t = arena_alloc(request_arena(r), sizeof *t);

    t->request = r;
    if (impulse_visit(r, scope, &t->visit))
        trip_again(t, run);
}

/* ---- models ---- */

/* What a stored model is, with the report of the job that made it. */
struct model {
    const struct model_row *row;
    const struct sensing *said; /* NULL: nothing is known of it */
    enum model_number variant;
};

static bool is_file(const struct model *m)
{
    return m->row->sha256 != NULL;
}

static struct model model_of(struct arena *a, const struct model_row *row)
{
    struct model m = {.row = row};
    struct report *report;

    if (row->report.len && report_from_json(a, row->report, &report, NULL) == 0)
        m.said = report->sensing;
    if (text_is(row->variant, "int8") ||
        (!*row->variant && m.said && m.said->imported && m.said->imported->quantised))
        m.variant = NUMBER_INT8;
    return m;
}

/* The block as the report of its model has it; NULL: it says nothing of it. */
static const struct impulse_learn *said_block(const struct model *m)
{
    const struct sensing *s = m->said;

    if (s && s->training)
        return &s->training->block;
    if (!s || !s->imported || !s->imported->has_impulse)
        return NULL;
    for (size_t i = 0; i < s->imported->impulse.nlearn; i++)
        if (s->imported->impulse.learn[i].id == m->row->block)
            return &s->imported->impulse.learn[i];
    return NULL;
}

/* Made for features that the impulse still makes. */
static bool is_fresh(struct arena *a, const struct impulse *p, const struct impulse_learn *l,
                     const struct model_row *row)
{
    return !*row->inputs || text_is(row->inputs, definition_inputs(a, p, l));
}

/* ---- one block ---- */

struct loading {
    struct arena *arena;
    const struct load_ask *ask;
    struct loaded *out;
    struct model_row *rows;
    size_t nrows;
    struct impulse_learn *learn; /* of out->impulse */
    bool stale, lacking;         /* a model for other features; none of the variant asked for */
};

/* The more exact variant; of two the newer one: one may have been brought, the other trained. */
static bool is_better(const struct model *m, const struct model *than)
{
    if (m->variant != than->variant)
        return m->variant < than->variant;
    return m->row->made_us > than->row->made_us;
}

/* The model to be used: of the variant asked for, else the more exact one. */
static bool choose(struct loading *g, const struct impulse_learn *l, struct model *ret)
{
    bool found = false, others = false;

    for (size_t i = 0; i < g->nrows; i++) {
        struct model m;
        if (g->rows[i].block != l->id)
            continue;
        m = model_of(g->arena, &g->rows[i]);
        if (is_file(&m))
            g->out->has[m.variant] = true;
        if (is_file(&m) && g->ask->variant &&
            !text_is(g->ask->variant, m.variant == NUMBER_INT8 ? "int8" : "float32")) {
            others = true;
            continue;
        }
        if (!found || is_better(&m, ret))
            *ret = m;
        found = true;
    }
    g->lacking |= others && !found;
    if (!found || is_fresh(g->arena, &g->out->def.impulse, l, ret->row))
        return found;
    g->stale = true; /* an older one that fits is not what its owner means */
    return false;
}

static void take_clusters(struct impulse_learn *l, const struct impulse_learn *said)
{
    l->nchosen = said->nchosen;
    l->nclusters = said->nclusters;
    l->chosen = said->chosen;
    l->mean = said->mean;
    l->dev = said->dev;
    l->clusters = said->clusters;
}

static void use(struct loading *g, struct impulse_learn *l, const struct model *m)
{
    const struct impulse_learn *said = said_block(m);

    if (said && said->nlabels && (!l->nlabels || m->said->training)) {
        l->nlabels = said->nlabels;
        l->labels = said->labels;
    }
    if (said && l->kind == LEARN_CLUSTERS)
        take_clusters(l, said);
    if (!is_file(m))
        return;
    l->model = (int)g->out->nmodels;
    g->out->models[g->out->nmodels++] = m->row->sha256;
}

static void leave_out(struct loading *g, const struct impulse_learn *l)
{
    struct loaded *out = g->out;

    out->left_out = out->left_out ? arena_printf(g->arena, "%s, %s", out->left_out, l->name) : l->name;
}

static bool is_usable(const struct loading *g, const struct impulse_learn *l)
{
    if (g->out->def.eim)
        return true;
    return l->kind == LEARN_CLUSTERS ? l->nclusters > 0 : l->model >= 0;
}

static void load_block(struct loading *g, size_t at)
{
    struct impulse_learn l = g->out->def.impulse.learn[at];
    struct impulse *p = &g->out->impulse;
    struct model m = {0};

    if (g->ask->block && l.id != g->ask->block)
        return;
    if (choose(g, &l, &m))
        use(g, &l, &m);
    if (!is_usable(g, &l)) {
        leave_out(g, &l);
        return;
    }
    g->out->from[p->nlearn] = at;
    g->learn[p->nlearn++] = l;
}

/* ---- the impulse ---- */

static int check_variant(const char *variant, struct err *err)
{
    if (!variant || text_is(variant, "int8") || text_is(variant, "float32"))
        return 0;
    if (text_is(variant, "akida"))
        return FAIL(
            err, ERR_UNSUPPORTED,
            "akida models run on hardware of one vendor only; the variants here are float32 and int8");
    return FAIL(err, ERR_INPUT, "the variant is float32 or int8, not \"%.40s\"", variant);
}

static int explain(const struct loading *g, struct err *err)
{
    const struct loaded *l = g->out;
    size_t at;

    if (g->ask->block && !definition_learn(&l->def, g->ask->block, &at))
        return FAIL(err, ERR_NOT_FOUND, "the impulse has no learn block %lld", (long long)g->ask->block);
    if (!l->def.impulse.nlearn)
        return FAIL(err, ERR_CONFLICT, "the impulse has no learn block; add one, then train it");
    if (g->ask->variant && (l->has[NUMBER_FLOAT] || l->has[NUMBER_INT8]))
        return FAIL(err, ERR_CONFLICT, "there is no %s model of this impulse, but a %s one", g->ask->variant,
                    l->has[NUMBER_FLOAT] ? "float32" : "int8");
    if (g->stale)
        return FAIL(err, ERR_CONFLICT,
                    "the impulse makes other features than its model was trained on; train it again");
    return FAIL(err, ERR_CONFLICT, "no learn block of the impulse has a model; train it, or upload one");
}

static void load_all(struct loading *g)
{
    struct loaded *l = g->out;

    l->impulse = l->def.impulse;
    l->impulse.id = l->row.id;
    if (l->def.classify_step_ms > 0)
        l->impulse.step_ms = l->def.classify_step_ms;
    g->learn = arena_array(g->arena, IMPULSE_BLOCKS, sizeof *g->learn);
    l->impulse.learn = g->learn;
    l->impulse.nlearn = 0;
    for (size_t i = 0; i < l->def.impulse.nlearn; i++)
        load_block(g, i);
    l->variant = g->ask->variant                                ? g->ask->variant
                 : l->has[NUMBER_FLOAT] || !l->has[NUMBER_INT8] ? "float32"
                                                                : "int8";
}

int impulse_load(const struct api *api, struct arena *a, const struct load_ask *ask, struct loaded *ret,
                 struct err *err)
{
    struct loading g = {.arena = a, .ask = ask, .out = ret};

    *ret = (struct loaded){0};
    if (check_variant(ask->variant, err) < 0 ||
        records_impulse(api->db, a, ask->project, ask->impulse, &ret->row, err) < 0 ||
        definition_read(a, ret->row.definition, &ret->def, err) < 0 ||
        records_models(api->db, a, ret->row.id, &g.rows, &g.nrows, err) < 0)
        return -1;
    load_all(&g);
    return ret->impulse.nlearn && !g.lacking ? 0 : explain(&g, err);
}

bool impulse_is_complete(const struct api *api, struct arena *a, const struct impulse_row *row)
{
    struct load_ask ask = {.project = row->project, .impulse = row->id};
    struct loaded l;

    return impulse_load(api, a, &ask, &l, NULL) == 0 && !l.left_out;
}
