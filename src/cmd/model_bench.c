/* assay model bench: what a run of a model costs on this machine, and what it takes to have it loaded. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/model_int.h"
#include "cmd/probe.h"
#include "infer/variant.h"

enum { PROBE_SECONDS = 120 };

#define ROW(name, type, field, fallback, min, max, arg, help)                             \
    {                                                                                     \
        name, type, offsetof(struct bench_settings, field), fallback, min, max, arg, help \
    }
static const struct option bench_rows[] = {
    ROW("runs", OPT_INT, runs, "50", 1, 10000, "N",
        "bench: runs that are measured; add FILE.onnx: runs of the probe"),
    ROW("card", OPT_FLAG, card, "false", 0, 0, NULL, "add FILE.onnx: write the proposed card beside it"),
};

struct option_set bench_set(struct bench_settings *s)
{
    return (struct option_set){"Cost (bench)", bench_rows, COUNT_OF(bench_rows), s};
}

struct probe_opts model_probe_opts(const struct model_call *c)
{
    return (struct probe_opts){
        .runtime = c->lab.runtime,
        .runs = (int)c->bench.runs,
        .seconds = PROBE_SECONDS,
        .memory_bytes = c->lab.memory,
    };
}

/* ---- one model ---- */

static struct bytes embedded_weights(const struct card *card)
{
    for (size_t i = 0; i < embedded_count(); i++)
        if (text_is(embedded_get(i).name, card->name))
            return embedded_get(i).model;
    return (struct bytes){0};
}

/* What one model costs: with its plain weights, and with the variant that this processor would use. */
struct cost {
    struct probe plain, quick;
    const char *variant; /* NULL: there is none */
};

static int bench_weights(struct model_call *c, const struct card *card, struct bytes weights,
                         struct probe *ret, struct err *err)
{
    struct probe_opts opts = model_probe_opts(c);

    if (card->file && model_read_file(c->arena, card->file, &weights, err) < 0)
        return -1;
    if (!weights.len)
        return FAIL(err, ERR_UNSUPPORTED,
                    "%s is no network: its card has all weights, and there is nothing to load", card->name);
    return probe_run(weights, card, &opts, ret, err);
}

static int bench_card(struct model_call *c, const struct card *card, struct cost *ret, struct err *err)
{
    const struct card_variant *v = c->lab.variants ? variant_choose(card, cpu_features()) : NULL;
    struct card quick;

    if (bench_weights(c, card, embedded_weights(card), &ret->plain, err) < 0)
        return -1;
    if (!v)
        return 0;
    quick = variant_card(card, v);
    ret->variant = v->name;
    return bench_weights(c, &quick, variant_embedded(v), &ret->quick, err);
}

static int bench_graph(struct model_call *c, const char *path, struct probe *ret, struct err *err)
{
    struct probe_opts opts = model_probe_opts(c);
    struct bytes onnx;

    if (model_read_file(c->arena, path, &onnx, err) < 0)
        return -1;
    return probe_run(onnx, NULL, &opts, ret, err);
}

static int bench_one(struct model_call *c, const char *what, struct cost *ret, struct err *err)
{
    const struct card *found;
    struct card card;

    *ret = (struct cost){0};
    if (text_ends(what, ".onnx"))
        return bench_graph(c, what, &ret->plain, err);
    if (text_ends(what, ".json")) {
        if (card_load(c->arena, what, &card, err) < 0 || card_verify(&card, err) < 0)
            return -1;
        return bench_card(c, &card, ret, err);
    }
    return model_find(c, what, &found, err) < 0 ? -1 : bench_card(c, found, ret, err);
}

/* ---- what is told ---- */

static const char *base_of(const char *what)
{
    const char *slash = strrchr(what, '/');

    return slash ? slash + 1 : what;
}

static void print_head(void)
{
    printf("%-24s  %9s  %9s  %9s  %9s  %9s  %9s\n", "MODEL", "CPU MS", "BEST", "95 %", "TIME MS", "LOAD MS",
           "MEMORY MB");
}

static void print_row(const char *what, const struct probe *p)
{
    printf("%-24s  %9.3f  %9.3f  %9.3f  %9.3f  %9.1f  %9.1f", base_of(what), p->median_ms, p->best_ms,
           p->p95_ms, p->wall_ms, p->load_ms, (double)(p->load_kb + p->run_kb) / 1024);
}

static void print_cost(const char *what, const struct cost *cost)
{
    print_row(what, &cost->plain);
    if (cost->variant) {
        putchar('\n');
        print_row(cost->variant, &cost->quick);
        printf("  %.2f x as quick, best %.2f x", cost->plain.median_ms / cost->quick.median_ms,
               cost->plain.best_ms / cost->quick.best_ms);
    }
    putchar('\n');
    fflush(stdout);
}

static void print_json(struct model_call *c, const char *what, const char *variant, const struct probe *p)
{
    yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *o = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, o);
    yyjson_mut_obj_add_str(doc, o, "model", base_of(what));
    if (variant)
        yyjson_mut_obj_add_str(doc, o, "variant", variant);
    yyjson_mut_obj_add_str(doc, o, "runtime", p->runtime);
    yyjson_mut_obj_add_int(doc, o, "runs", p->runs);
    yyjson_mut_obj_add_real(doc, o, "cpu_ms", p->median_ms);
    yyjson_mut_obj_add_real(doc, o, "cpu_ms_best", p->best_ms);
    yyjson_mut_obj_add_real(doc, o, "cpu_ms_95", p->p95_ms);
    yyjson_mut_obj_add_real(doc, o, "wall_ms", p->wall_ms);
    yyjson_mut_obj_add_real(doc, o, "load_ms", p->load_ms);
    yyjson_mut_obj_add_real(doc, o, "load_cpu_ms", p->load_cpu_ms);
    yyjson_mut_obj_add_int(doc, o, "load_kb", p->load_kb);
    yyjson_mut_obj_add_int(doc, o, "run_kb", p->run_kb);
    puts((const char *)json_write(c->arena, doc).data);
    fflush(stdout);
    json_mut_freep(&doc);
}

static int bench(struct model_call *c, const char *what, struct err *err)
{
    struct cost cost;

    if (bench_one(c, what, &cost, err) < 0)
        return -1;
    if (!c->eval.json)
        print_cost(what, &cost);
    else
        print_json(c, what, NULL, &cost.plain);
    if (c->eval.json && cost.variant)
        print_json(c, what, cost.variant, &cost.quick);
    return 0;
}

/* All that are here and are networks. */
static int bench_all(struct model_call *c, struct err *err)
{
    for (size_t i = 0; i < c->nbuiltin; i++)
        if (embedded_weights(&c->builtin[i]).len && bench(c, c->builtin[i].name, err) < 0)
            return -1;
    for (size_t i = 0; i < c->n; i++)
        if (!c->entries[i].problem && c->entries[i].card.file && bench(c, c->entries[i].card.name, err) < 0)
            return -1;
    return 0;
}

int model_bench(struct model_call *c, struct err *err)
{
    if (!c->eval.json)
        print_head();
    if (!c->argc)
        return bench_all(c, err);
    for (int i = 0; i < c->argc; i++)
        if (bench(c, c->argv[i], err) < 0)
            return -1;
    return 0;
}
