#include "report/json.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/json_int.h"

enum { MAX_MOMENTS = 100000, MAX_FINDINGS = 100000, MAX_SCORES = 1000, MAX_MODELS = 64, MAX_LABELS = 64 };

/* ---------------------------------------------------------------- writing */

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static void put_given(doc_t *d, val_t *obj, const char *key, double value)
{
    if (!isnan(value))
        yyjson_mut_obj_add_real(d, obj, key, value);
}

static void put_rule(doc_t *d, val_t *obj, const struct risk_rule *rule)
{
    val_t *o = yyjson_mut_obj_add_obj(d, obj, "thresholds"), *labels;

    put_given(d, o, "low", rule->low);
    put_given(d, o, "high", rule->high);
    put_given(d, o, "label", rule->label);
    if (!rule->nlabels)
        return;
    labels = yyjson_mut_obj_add_obj(d, o, "labels");
    for (size_t i = 0; i < rule->nlabels; i++)
        yyjson_mut_obj_add(labels, yyjson_mut_strcpy(d, rule->labels[i].label),
                           yyjson_mut_real(d, rule->labels[i].from));
}

static void put_subject(doc_t *d, val_t *obj, const struct subject *s)
{
    val_t *o = yyjson_mut_obj_add_obj(d, obj, "subject");

    write_str(d, o, "sha256", s->sha256);
    yyjson_mut_obj_add_int(d, o, "size", s->size);
    write_str(d, o, "name", s->name);
}

static void put_zones(doc_t *d, val_t *obj, const struct alarm_params *p)
{
    val_t *zones = yyjson_mut_obj_add_arr(d, obj, "zones");

    for (size_t i = 0; i < p->nzones; i++) {
        val_t *zone = yyjson_mut_arr_add_arr(d, zones);
        for (size_t k = 0; k < p->zones[i].n; k++) {
            val_t *point = yyjson_mut_arr_add_arr(d, zone);
            yyjson_mut_arr_add_real(d, point, p->zones[i].points[k].x);
            yyjson_mut_arr_add_real(d, point, p->zones[i].points[k].y);
        }
    }
}

static void put_alarm(doc_t *d, val_t *obj, const struct alarm_params *p)
{
    yyjson_mut_obj_add_real(d, obj, "fps", p->fps);
    yyjson_mut_obj_add_int(d, obj, "height", p->height);
    yyjson_mut_obj_add_int(d, obj, "max_frames", p->max_frames);
    if (!risk_rule_is_unset(&p->rule))
        put_rule(d, obj, &p->rule);
    put_zones(d, obj, p);
}

static void put_params(doc_t *d, val_t *root, const struct job_spec *spec)
{
    if (pipeline_is_sensor(spec->pipeline))
        write_sensor_params(d, yyjson_mut_obj_add_obj(d, root, "sensor"), &spec->sensor);
    else if (pipeline_is_tampering(spec->pipeline))
        write_tamper_params(d, yyjson_mut_obj_add_obj(d, root, "tampering"), &spec->tamper);
    else if (pipeline_is_origin(spec->pipeline))
        write_origin_params(d, yyjson_mut_obj_add_obj(d, root, "origin"), &spec->origin);
    else if (pipeline_is_scenes(spec->pipeline))
        write_scenes_params(d, yyjson_mut_obj_add_obj(d, root, "scenes"), &spec->scenes);
    else
        put_alarm(d, yyjson_mut_obj_add_obj(d, root, "alarm"), &spec->alarm);
}

struct bytes spec_to_json(struct arena *a, const struct job_spec *spec)
{
    CLEANUP(json_mut_freep) doc_t *d = json_doc_new();
    val_t *root = yyjson_mut_obj(d);

    yyjson_mut_doc_set_root(d, root);
    write_str(d, root, "id", spec->id);
    write_str(d, root, "pipeline", spec->pipeline);
    put_subject(d, root, &spec->subject);
    yyjson_mut_obj_add_int(d, root, "deadline_ms", spec->deadline_ms);
    if (spec->spent_ms)
        yyjson_mut_obj_add_int(d, root, "spent_ms", spec->spent_ms);
    put_params(d, root, spec);
    if (spec->annotate.report) {
        struct bytes report = report_to_json(a, spec->annotate.report);
        yyjson_mut_obj_add(yyjson_mut_obj_add_obj(d, root, "annotate"), yyjson_mut_str(d, "report"),
                           yyjson_mut_rawn(d, (const char *)report.data, report.len));
    }
    return json_write(a, d);
}

static void put_media(doc_t *d, val_t *root, const struct media_info *m)
{
    val_t *o = yyjson_mut_obj_add_obj(d, root, "media");

    write_str(d, o, "container", m->container);
    write_str(d, o, "codec", m->codec);
    yyjson_mut_obj_add_real(d, o, "duration", m->duration);
    yyjson_mut_obj_add_int(d, o, "width", m->width);
    yyjson_mut_obj_add_int(d, o, "height", m->height);
    yyjson_mut_obj_add_real(d, o, "fps", m->fps);
    yyjson_mut_obj_add_int(d, o, "frames", m->frames);
    yyjson_mut_obj_add_int(d, o, "rotation", m->rotation);
    yyjson_mut_obj_add_bool(d, o, "truncated", m->truncated);
}

static void put_sampling(doc_t *d, val_t *root, const struct sampling *s)
{
    val_t *o = yyjson_mut_obj_add_obj(d, root, "sampling");

    yyjson_mut_obj_add_int(d, o, "width", s->width);
    yyjson_mut_obj_add_int(d, o, "height", s->height);
    yyjson_mut_obj_add_int(d, o, "planned", s->planned);
    yyjson_mut_obj_add_int(d, o, "judged", s->judged);
    yyjson_mut_obj_add_real(d, o, "fps", s->fps);
}

static void put_verdict(doc_t *d, val_t *root, const struct verdict *v)
{
    val_t *o, *labels;

    if (!v->rule)
        return;
    o = yyjson_mut_obj_add_obj(d, root, "verdict");
    write_str(d, o, "rule", v->rule);
    write_str(d, o, "risk", v->risk);
    labels = yyjson_mut_obj_add_arr(d, o, "labels");
    for (size_t i = 0; i < v->nlabels; i++)
        yyjson_mut_arr_add_strcpy(d, labels, v->labels[i]);
    put_rule(d, o, &v->thresholds);
}

static void put_scores(doc_t *d, val_t *root, const struct report *r)
{
    val_t *all = yyjson_mut_obj_add_arr(d, root, "scores");

    for (size_t i = 0; i < r->nscores; i++) {
        val_t *o = yyjson_mut_arr_add_obj(d, all);
        write_str(d, o, "label", r->scores[i].label);
        yyjson_mut_obj_add_real(d, o, "value", r->scores[i].value);
        write_str(d, o, "source", r->scores[i].source);
    }
}

static void put_moments(doc_t *d, val_t *root, const struct report *r)
{
    val_t *all = yyjson_mut_obj_add_arr(d, root, "moments");

    for (size_t i = 0; i < r->nmoments; i++) {
        val_t *o = yyjson_mut_arr_add_obj(d, all);
        yyjson_mut_obj_add_int(d, o, "frame", r->moments[i].frame);
        yyjson_mut_obj_add_real(d, o, "pts", r->moments[i].pts);
    }
}

static void put_findings(doc_t *d, val_t *root, const struct report *r)
{
    val_t *all = yyjson_mut_obj_add_arr(d, root, "findings");

    for (size_t i = 0; i < r->nfindings; i++) {
        const struct finding *f = &r->findings[i];
        val_t *o = yyjson_mut_arr_add_obj(d, all);
        yyjson_mut_obj_add_int(d, o, "moment", f->moment);
        write_str(d, o, "label", f->label);
        yyjson_mut_obj_add_real(d, o, "score", write_rounded(f->score));
        write_box(d, o, &f->box);
        yyjson_mut_obj_add_bool(d, o, "excluded", f->excluded);
    }
}

static void put_models(doc_t *d, val_t *root, const struct report *r)
{
    val_t *models = yyjson_mut_obj_add_arr(d, root, "models");

    for (size_t i = 0; i < r->nmodels; i++) {
        val_t *o = yyjson_mut_arr_add_obj(d, models);
        write_str(d, o, "name", r->models[i].name);
        write_str(d, o, "version", r->models[i].version);
        write_str(d, o, "task", r->models[i].task);
        write_str(d, o, "sha256", r->models[i].sha256);
        if (r->models[i].card)
            write_str(d, o, "card", r->models[i].card);
    }
}

static void put_program(doc_t *d, val_t *root, const struct program_ref *p)
{
    val_t *o = yyjson_mut_obj_add_obj(d, root, "program");

    write_str(d, o, "version", p->version);
    write_str(d, o, "commit", p->commit);
}

static void put_configuration(doc_t *d, val_t *root, const struct configuration *c)
{
    val_t *o = yyjson_mut_obj_add_obj(d, root, "configuration");

    yyjson_mut_obj_add_int(d, o, "deadline_ms", c->deadline_ms);
    yyjson_mut_obj_add_int(d, o, "max_pixels", c->max_pixels);
    yyjson_mut_obj_add_real(d, o, "max_seconds", c->max_seconds);
    yyjson_mut_obj_add_int(d, o, "max_cpu_us", c->cpu_us);
    if (c->sensor_known)
        write_str(d, yyjson_mut_obj_add_obj(d, o, "sensor"), "impulse", c->impulse);
    else if (c->tamper_known)
        write_tamper_params(d, yyjson_mut_obj_add_obj(d, o, "tampering"), &c->tamper);
    else if (c->origin_known)
        write_origin_params(d, yyjson_mut_obj_add_obj(d, o, "origin"), &c->origin);
    else if (c->scenes_known)
        write_scenes_params(d, yyjson_mut_obj_add_obj(d, o, "scenes"), &c->scenes);
    else
        put_alarm(d, o, &c->alarm);
}

static void put_interval(doc_t *d, val_t *obj, const char *key, const double interval[2])
{
    val_t *arr = yyjson_mut_obj_add_arr(d, obj, key);

    yyjson_mut_arr_add_real(d, arr, interval[0]);
    yyjson_mut_arr_add_real(d, arr, interval[1]);
}

static void put_reach(doc_t *d, val_t *root, const struct reach *r)
{
    val_t *o = yyjson_mut_obj_add_obj(d, root, "reach");

    put_interval(d, o, "quarter", r->quarter);
    put_interval(d, o, "middle", r->middle);
    put_interval(d, o, "high", r->high);
    put_interval(d, o, "label", r->label);
}

/* What older programs did not write is left out again, so that their records stay the same bytes. */
static void put_evidence(doc_t *d, val_t *root, const struct report *r)
{
    val_t *timing;

    put_models(d, root, r);
    write_str(d, root, "decoder", r->decoder);
    if (r->runtime)
        write_str(d, root, "runtime", r->runtime);
    if (r->program.version)
        put_program(d, root, &r->program);
    if (r->config.known)
        put_configuration(d, root, &r->config);
    if (r->reach.known)
        put_reach(d, root, &r->reach);
    timing = yyjson_mut_obj_add_obj(d, root, "timing");
    yyjson_mut_obj_add_int(d, timing, "decode_us", r->decode_us);
    yyjson_mut_obj_add_int(d, timing, "infer_us", r->infer_us);
    yyjson_mut_obj_add_int(d, timing, "total_us", r->total_us);
}

struct bytes report_to_json(struct arena *a, const struct report *r)
{
    CLEANUP(json_mut_freep) doc_t *d = json_doc_new();
    val_t *root = yyjson_mut_obj(d);

    yyjson_mut_doc_set_root(d, root);
    write_str(d, root, "schema", REPORT_SCHEMA);
    write_str(d, root, "pipeline", r->pipeline);
    put_subject(d, root, &r->subject);
    write_error(d, root, &r->error);
    put_verdict(d, root, &r->verdict);
    put_scores(d, root, r);
    put_media(d, root, &r->media);
    put_sampling(d, root, &r->sampling);
    put_moments(d, root, r);
    put_findings(d, root, r);
    write_scenes(d, root, r);
    write_origins(d, root, r);
    write_tampering(d, root, r);
    write_sensing(d, root, r);
    put_evidence(d, root, r);
    return json_write(a, d);
}

/* ---------------------------------------------------------------- reading */

static double get_given(struct reader *rd, yyjson_val *obj, const char *key)
{
    return yyjson_obj_get(obj, key) ? read_num(rd, obj, key, 0, 1) : (double)NAN;
}

static void get_label_thresholds(struct reader *rd, yyjson_val *obj, struct risk_rule *rule)
{
    struct label_threshold *all;
    yyjson_val *key, *value;
    size_t i, n;

    if (!obj)
        return;
    if (!yyjson_is_obj(obj) || yyjson_obj_size(obj) > MAX_LABELS) {
        read_refuse(rd, "labels");
        return;
    }
    rule->labels = all = arena_array(rd->arena, yyjson_obj_size(obj), sizeof *all);
    yyjson_obj_foreach (obj, i, n, key, value) {
        if (!yyjson_is_num(value))
            read_refuse(rd, "labels");
        all[rule->nlabels++] =
            (struct label_threshold){arena_strdup(rd->arena, yyjson_get_str(key)), yyjson_get_num(value)};
    }
}

/* A rule that may be given in part. */
static struct risk_rule get_rule(struct reader *rd, yyjson_val *obj)
{
    struct risk_rule rule = {
        .low = get_given(rd, obj, "low"),
        .high = get_given(rd, obj, "high"),
        .label = get_given(rd, obj, "label"),
    };

    get_label_thresholds(rd, yyjson_obj_get(obj, "labels"), &rule);
    if (risk_rule_check_partial(&rule, NULL) < 0)
        read_refuse(rd, "thresholds");
    return rule;
}

static struct subject get_subject(struct reader *rd, yyjson_val *root)
{
    yyjson_val *o = read_obj(rd, root, "subject");
    struct subject s = {.size = read_int(rd, o, "size", 0, INT64_MAX), .name = read_str(rd, o, "name")};
    const char *sha256 = read_str(rd, o, "sha256");

    if (*sha256 && !text_is_hex(sha256, HASH_HEX - 1))
        read_refuse(rd, "sha256");
    text_copy(s.sha256, sizeof s.sha256, sha256);
    return s;
}

static void get_points(struct reader *rd, yyjson_val *arr, struct zone *zone)
{
    yyjson_val *point;
    size_t i, n;

    yyjson_arr_foreach (arr, i, n, point) {
        yyjson_val *x = yyjson_arr_get(point, 0), *y = yyjson_arr_get(point, 1);
        if (i >= ZONE_MAX_POINTS || !yyjson_is_num(x) || !yyjson_is_num(y)) {
            read_refuse(rd, "zones");
            return;
        }
        zone->points[zone->n++] = (struct zone_point){yyjson_get_num(x), yyjson_get_num(y)};
    }
}

static void get_zones(struct reader *rd, yyjson_val *alarm, struct alarm_params *p)
{
    yyjson_val *all = read_arr(rd, alarm, "zones", ZONE_MAX, &p->nzones);
    struct zone *zones = arena_array(rd->arena, p->nzones, sizeof *zones);

    for (size_t i = 0; i < p->nzones; i++)
        get_points(rd, yyjson_arr_get(all, i), &zones[i]);
    p->zones = zones;
}

static struct alarm_params get_alarm(struct reader *rd, yyjson_val *o)
{
    yyjson_val *rule = yyjson_obj_get(o, "thresholds");
    struct alarm_params p = {
        .fps = read_num(rd, o, "fps", 0, 60),
        .height = (int)read_int(rd, o, "height", 0, 4096),
        .max_frames = (int)read_int(rd, o, "max_frames", 0, 1000000),
        .rule = rule ? get_rule(rd, rule) : risk_rule_unset(),
    };

    get_zones(rd, o, &p);
    return p;
}

static struct report *read_report(struct reader *rd, yyjson_val *root);

int spec_from_json(struct arena *a, struct bytes text, struct job_spec *ret_spec, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(text, SPEC_MAX_BYTES, err);
    yyjson_val *root = yyjson_doc_get_root(doc), *annotate;
    struct reader rd = {.arena = a, .err = err};
    struct job_spec spec = job_spec_defaults();

    if (!doc)
        return -1;
    spec.id = read_str(&rd, root, "id");
    spec.pipeline = read_str(&rd, root, "pipeline");
    spec.subject = get_subject(&rd, root);
    spec.deadline_ms = read_int(&rd, root, "deadline_ms", 1, JOB_DEADLINE_MAX_MS);
    if (yyjson_obj_get(root, "spent_ms"))
        spec.spent_ms = read_int(&rd, root, "spent_ms", 0, JOB_DEADLINE_MAX_MS);
    if (pipeline_is_sensor(spec.pipeline))
        spec.sensor = read_sensor_params(&rd, read_obj(&rd, root, "sensor"));
    else if (pipeline_is_tampering(spec.pipeline))
        spec.tamper = read_tamper_params(&rd, read_obj(&rd, root, "tampering"));
    else if (pipeline_is_origin(spec.pipeline))
        spec.origin = read_origin_params(&rd, read_obj(&rd, root, "origin"));
    else if (pipeline_is_scenes(spec.pipeline))
        spec.scenes = read_scenes_params(&rd, read_obj(&rd, root, "scenes"));
    else
        spec.alarm = get_alarm(&rd, read_obj(&rd, root, "alarm"));
    annotate = yyjson_obj_get(root, "annotate");
    if (annotate)
        spec.annotate.report = read_report(&rd, yyjson_obj_get(annotate, "report"));
    if (rd.failed)
        return -1;
    *ret_spec = spec;
    return job_spec_check(ret_spec, err);
}

static struct media_info get_media(struct reader *rd, yyjson_val *root)
{
    yyjson_val *o = read_obj(rd, root, "media");

    return (struct media_info){
        .container = read_str(rd, o, "container"),
        .codec = read_str(rd, o, "codec"),
        .duration = read_num(rd, o, "duration", 0, 1e9),
        .width = (int)read_int(rd, o, "width", 0, 1 << 20),
        .height = (int)read_int(rd, o, "height", 0, 1 << 20),
        .fps = read_num(rd, o, "fps", 0, 1e9),
        .frames = read_int(rd, o, "frames", 0, INT64_MAX / 2),
        .rotation = (int)read_int(rd, o, "rotation", 0, 270),
        .truncated = read_bool(rd, o, "truncated"),
    };
}

static struct sampling get_sampling(struct reader *rd, yyjson_val *root)
{
    yyjson_val *o = read_obj(rd, root, "sampling");

    return (struct sampling){
        .width = (int)read_int(rd, o, "width", 0, 1 << 20),
        .height = (int)read_int(rd, o, "height", 0, 1 << 20),
        .planned = (int)read_int(rd, o, "planned", 0, INT32_MAX),
        .judged = (int)read_int(rd, o, "judged", 0, INT32_MAX),
        .fps = read_num(rd, o, "fps", 0, 1e9),
    };
}

static void get_scores(struct reader *rd, yyjson_val *root, struct report *r)
{
    size_t n;
    yyjson_val *all = read_arr(rd, root, "scores", MAX_SCORES, &n);

    for (size_t i = 0; i < n; i++) {
        yyjson_val *o = yyjson_arr_get(all, i);
        report_add_score(r, read_str(rd, o, "label"), read_num(rd, o, "value", 0, 1),
                         read_str(rd, o, "source"));
    }
}

static void get_moments(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *all, *o;
    size_t n, i, max;

    all = read_arr(rd, root, "moments", MAX_MOMENTS, &n);
    yyjson_arr_foreach (all, i, max, o)
        report_add_moment(r, read_int(rd, o, "frame", 0, INT64_MAX / 2), read_num(rd, o, "pts", 0, 1e9));
}

static void get_findings(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *all, *o;
    size_t n, i, max;

    all = read_arr(rd, root, "findings", MAX_FINDINGS, &n);
    yyjson_arr_foreach (all, i, max, o) {
        struct finding f = {
            .moment = (int)read_int(rd, o, "moment", 0, (int64_t)r->nmoments - 1),
            .label = read_str(rd, o, "label"),
            .score = read_num(rd, o, "score", 0, 1),
            .box = read_box(rd, o),
            .excluded = read_bool(rd, o, "excluded"),
        };
        report_add_finding(r, &f);
    }
}

static void get_models(struct reader *rd, yyjson_val *root, struct report *r)
{
    size_t n;
    yyjson_val *all = read_arr(rd, root, "models", MAX_MODELS, &n);

    for (size_t i = 0; i < n; i++) {
        yyjson_val *o = yyjson_arr_get(all, i);
        struct model_ref m = {
            .name = read_str(rd, o, "name"),
            .version = read_str(rd, o, "version"),
            .task = read_str(rd, o, "task"),
            .sha256 = read_str(rd, o, "sha256"),
            .card = read_optional(rd, o, "card"),
        };
        report_add_model(r, &m);
    }
}

static void get_program(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = read_optional_obj(rd, root, "program");

    if (o)
        r->program = (struct program_ref){read_str(rd, o, "version"), read_str(rd, o, "commit")};
}

static void get_impulse_sum(struct reader *rd, yyjson_val *o, char ret[HASH_HEX])
{
    const char *sum = read_str(rd, o, "impulse");

    if (*sum && !text_is_hex(sum, HASH_HEX - 1))
        read_refuse(rd, "impulse");
    text_copy(ret, HASH_HEX, sum);
}

static void get_configuration(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = read_optional_obj(rd, root, "configuration");

    if (!o)
        return;
    r->config = (struct configuration){
        .known = true,
        .deadline_ms = read_int(rd, o, "deadline_ms", 0, JOB_DEADLINE_MAX_MS),
        .max_pixels = read_int(rd, o, "max_pixels", 0, INT64_MAX / 2),
        .max_seconds = read_num(rd, o, "max_seconds", 0, 1e12),
        .cpu_us = yyjson_obj_get(o, "max_cpu_us") ? read_int(rd, o, "max_cpu_us", 0, INT64_MAX / 2) : 0,
        .scenes_known = yyjson_obj_get(o, "scenes"),
        .origin_known = yyjson_obj_get(o, "origin"),
        .tamper_known = yyjson_obj_get(o, "tampering"),
        .sensor_known = yyjson_obj_get(o, "sensor"),
    };
    if (r->config.sensor_known)
        get_impulse_sum(rd, read_obj(rd, o, "sensor"), r->config.impulse);
    else if (r->config.tamper_known)
        r->config.tamper = read_tamper_params(rd, read_obj(rd, o, "tampering"));
    else if (r->config.origin_known)
        r->config.origin = read_origin_params(rd, read_obj(rd, o, "origin"));
    else if (r->config.scenes_known)
        r->config.scenes = read_scenes_params(rd, read_obj(rd, o, "scenes"));
    else
        r->config.alarm = get_alarm(rd, o);
}

static void get_interval(struct reader *rd, yyjson_val *obj, const char *key, double ret[2])
{
    size_t n, i, max;
    yyjson_val *arr = read_arr(rd, obj, key, 2, &n), *v;

    if (n != 2)
        read_refuse(rd, key);
    yyjson_arr_foreach (arr, i, max, v) {
        if (!yyjson_is_num(v) || !(yyjson_get_num(v) >= -1 && yyjson_get_num(v) <= 1))
            read_refuse(rd, key);
        if (i < 2)
            ret[i] = yyjson_get_num(v);
    }
}

static void get_reach(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = read_optional_obj(rd, root, "reach");

    if (!o)
        return;
    get_interval(rd, o, "quarter", r->reach.quarter);
    get_interval(rd, o, "middle", r->reach.middle);
    get_interval(rd, o, "high", r->reach.high);
    get_interval(rd, o, "label", r->reach.label);
    r->reach.known = true;
}

/* A verdict stands only where it may (report_may_decide): whatever wrote the record. */
static void get_verdict(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = yyjson_obj_get(root, "verdict"), *labels;

    if (!o)
        return;
    r->verdict.rule = read_str(rd, o, "rule");
    r->verdict.risk = read_str(rd, o, "risk");
    if (risk_rank(r->verdict.risk) < 0)
        read_refuse(rd, "risk");
    if (!report_may_decide(r))
        read_refuse(rd, "a verdict without judged moments");
    r->verdict.thresholds = get_rule(rd, read_obj(rd, o, "thresholds"));
    if (risk_rule_check(&r->verdict.thresholds, NULL) < 0)
        read_refuse(rd, "thresholds");
    labels = read_arr(rd, o, "labels", MAX_LABELS, &r->verdict.nlabels);
    r->verdict.labels = arena_array(rd->arena, r->verdict.nlabels, sizeof *r->verdict.labels);
    for (size_t i = 0; i < r->verdict.nlabels; i++) {
        const char *label = yyjson_get_str(yyjson_arr_get(labels, i));
        if (!label)
            read_refuse(rd, "labels");
        r->verdict.labels[i] = arena_strdup(rd->arena, label ? label : "");
    }
}

static void get_timing(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *o = read_obj(rd, root, "timing");

    r->decode_us = read_int(rd, o, "decode_us", 0, INT64_MAX / 2);
    r->infer_us = read_int(rd, o, "infer_us", 0, INT64_MAX / 2);
    r->total_us = read_int(rd, o, "total_us", 0, INT64_MAX / 2);
}

static struct report *read_report(struct reader *rd, yyjson_val *root)
{
    struct report *r = arena_alloc(rd->arena, sizeof *r);

    if (!text_is(read_str(rd, root, "schema"), REPORT_SCHEMA))
        read_refuse(rd, "schema");
    r->arena = rd->arena;
    r->pipeline = read_str(rd, root, "pipeline");
    r->subject = get_subject(rd, root);
    read_error(rd, root, &r->error);
    r->media = get_media(rd, root);
    r->sampling = get_sampling(rd, root);
    get_scores(rd, root, r);
    get_moments(rd, root, r);
    get_findings(rd, root, r);
    read_scenes(rd, root, r);
    read_origins(rd, root, r);
    read_tampering(rd, root, r);
    read_sensing(rd, root, r);
    get_models(rd, root, r);
    r->decoder = read_str(rd, root, "decoder");
    r->runtime = read_optional(rd, root, "runtime");
    get_program(rd, root, r);
    get_configuration(rd, root, r);
    get_reach(rd, root, r);
    get_timing(rd, root, r);
    r->verdict.risk = "";
    get_verdict(rd, root, r);
    return r;
}

int report_from_json(struct arena *a, struct bytes text, struct report **ret_report, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(text, REPORT_MAX_BYTES, err);
    struct reader rd = {.arena = a, .err = err};
    struct report *r;

    if (!doc)
        return -1;
    r = read_report(&rd, yyjson_doc_get_root(doc));
    if (rd.failed)
        return -1;
    *ret_report = r;
    return 0;
}
