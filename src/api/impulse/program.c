/* .eim programs of this machine instead of models. Which there are is the operator's decision: they lie in
 * the folder of --eim-dir, and a client only names one. */
#include <string.h>

#include "api/impulse/upper_int.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "lab/eim.h"

enum { BODY_MAX = 64 << 10 };

static int64_t deadline(void)
{
    return clock_mono_us() + EIM_MS * 1000LL;
}

static int open_program(const struct api *api, const char *name, struct eim **ret, struct err *err)
{
    if (!api->eims)
        return FAIL(err, ERR_UNSUPPORTED,
                    "this server runs no .eim programs; its operator has to name a folder with --eim-dir");
    return eim_open(api->eims, name, ret, err);
}

/* ---- judging ---- */

static struct sensor_part part_of(struct arena *a, const struct sample *s)
{
    const struct recording *rec = &s->recording;
    const char **axes = arena_array(a, rec->naxes, sizeof *axes);

    for (size_t i = 0; i < rec->naxes; i++)
        axes[i] = rec->axes[i].name;
    return (struct sensor_part){.kind = rec->kind == SENSOR_PICTURE ? PART_PICTURE : PART_SERIES,
                                .number = s->row.id,
                                .size = sample_bytes(s),
                                .naxes = rec->naxes,
                                .axes = axes,
                                .frequency = rec->interval_ms > 0 ? 1000 / rec->interval_ms : 0};
}

static struct report *report_of(struct trip *t, struct recording_result *result)
{
    struct job_spec spec = sensor_spec(t, "sensor-classify");
    struct report *r = report_new(trip_arena(t), &spec);

    r->sensing = arena_alloc(trip_arena(t), sizeof *r->sensing);
    r->sensing->nresults = 1;
    r->sensing->results = result;
    return r;
}

int program_judge(struct trip *t, const struct loaded *l, const struct sample *s, struct report **ret,
                  struct err *err)
{
    struct arena *a = trip_arena(t);
    struct recording_result *result = arena_alloc(a, sizeof *result);
    struct sensor_part part = part_of(a, s);
    struct values values;
    struct eim *e;

    if (open_program(trip_api(t), l->def.eim, &e, err) < 0 || sample_labels(a, &s->row, &part, err) < 0 ||
        sample_values(trip_api(t), a, s, 0, s->recording.readings, &values, err) < 0 ||
        eim_recording(e, &l->impulse, &part, values.numbers, a, deadline(), result, err) < 0)
        return -1;
    *ret = report_of(t, result);
    return 0;
}

/* ---- POST impulse/eim: an impulse around a program ---- */

/* Its DSP block takes these axes, in this order. */
static int name_axes(struct arena *a, struct impulse *p, yyjson_val *list, size_t wanted, struct err *err)
{
    struct impulse_dsp *dsp = arena_array(a, p->ndsp, sizeof *dsp);
    const char **axes = arena_array(a, yyjson_arr_size(list), sizeof *axes);
    yyjson_val *v;
    size_t i, n;

    if (p->input == INPUT_PICTURE)
        return FAIL(err, ERR_UNSUPPORTED,
                    "programs that judge pictures cannot be used here; upload the model");
    if (yyjson_arr_size(list) != wanted || wanted > SENSOR_AXES)
        return FAIL(err, ERR_INPUT, "name the %zu axes that the program wants, in its order: \"axes\": [...]",
                    wanted);
    yyjson_arr_foreach (list, i, n, v)
        axes[i] = arena_strdup(a, yyjson_is_str(v) ? yyjson_get_str(v) : "");
    for (i = 0; i < p->ndsp; i++) {
        dsp[i] = p->dsp[i];
        dsp[i].naxes = wanted;
        dsp[i].axes = axes;
    }
    p->dsp = dsp;
    return 0;
}

static int ask_program(struct trip *t, yyjson_val *body, struct impulse *ret, const char **ret_name,
                       struct err *err)
{
    struct arena *a = trip_arena(t);
    struct eim_about about;
    struct eim *e;

    *ret_name = json_str(a, body, "program", "");
    if (open_program(trip_api(t), *ret_name, &e, err) < 0 || eim_hello(e, a, deadline(), &about, err) < 0)
        return -1;
    *ret = eim_impulse_about(a, &about, json_num(body, "windowIncreaseMs", 0));
    return name_axes(a, ret, yyjson_obj_get(body, "axes"), about.naxes, err);
}

static int make_row(struct trip *t, const struct impulse *p, const char *program, struct impulse_row *ret,
                    struct err *err)
{
    CLEANUP(json_mut_freep) doc_t *doc = json_doc_new();
    CLEANUP(json_freep) yyjson_doc *wire = NULL;
    struct define_with with = {.now_us = clock_wall_us(), .eim = program};
    val_t *root = yyjson_mut_obj(doc);
    int64_t input = 1;

    for (size_t i = 0; i < p->nlearn; i++)
        input = p->learn[i].id >= input ? p->learn[i].id + 1 : input;
    for (size_t i = 0; i < p->ndsp; i++)
        input = p->dsp[i].id >= input ? p->dsp[i].id + 1 : input;
    yyjson_mut_doc_set_root(doc, root);
    definition_wire(doc, root, p, input);
    wire = json_read(json_write(trip_arena(t), doc), DEFINITION_BYTES, err);
    *ret = (struct impulse_row){.project = t->visit.project.id, .name = program};
    return wire ? definition_make(trip_arena(t), yyjson_doc_get_root(wire), &with, &ret->definition, err)
                : -1;
}

static void program_go(struct trip *t)
{
    CLEANUP(json_freep) yyjson_doc *body = impulse_body(t->request, BODY_MAX);
    struct impulse impulse;
    struct impulse_row row;
    const char *program;
    struct err err;

    if (!body)
        return;
    if (ask_program(t, yyjson_doc_get_root(body), &impulse, &program, &err) < 0 ||
        make_row(t, &impulse, program, &row, &err) < 0)
        trip_fail(t, &err);
    else
        trip_save_impulse(t, &row);
}

static void program_run(struct request *r)
{
    trip_begin(r, "submit", program_go);
}

const struct handler impulse_program = {.run = program_run};
