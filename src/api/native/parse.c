/* What a submit over the native routes asks for. Pure. */
#include <math.h>
#include <string.h>

#include "api/native/native_int.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "verdict/concept.h"

/* ---- members and fields ---- */

enum { TEXT_MAX = 4096, NAME_MAX_BYTES = 255 };

static const struct member {
    const char *name;
    size_t offset;
    size_t max; /* bytes */
} members[] = {
    {"url", offsetof(struct native_ask, url), TEXT_MAX},
    {"pipeline", offsetof(struct native_ask, pipeline), NAME_MAX_BYTES},
    {"webhook", offsetof(struct native_ask, webhook), TEXT_MAX},
    {"camera", offsetof(struct native_ask, camera), NAME_MAX_BYTES},
    {"name", offsetof(struct native_ask, name), NAME_MAX_BYTES},
};

static const struct member *find_member(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (text_is(members[i].name, name))
            return &members[i];
    return NULL;
}

static int set_text(struct arena *a, const struct member *m, struct bytes value, struct native_ask *ask,
                    struct err *err)
{
    const char *text = (const char *)value.data;

    if (value.len > m->max || memchr(text, '\0', value.len) || !text_is_utf8(text, value.len))
        return FAIL(err, ERR_INPUT, "'%s' is a text of at most %zu bytes", m->name, m->max);
    *(const char **)((char *)ask + m->offset) = value.len ? arena_strndup(a, text, value.len) : NULL;
    return 0;
}

int native_parse_field(struct arena *a, const char *name, struct bytes value, struct native_ask *ask,
                       struct err *err)
{
    const struct member *m = find_member(name);

    if (m)
        return set_text(a, m, value, ask, err);
    if (!text_is(name, "parameters"))
        return FAIL(err, ERR_INPUT,
                    "the form has a field '%.64s'; known are file, url, pipeline, parameters, webhook, "
                    "camera and name",
                    name);
    ask->parameters = bytes_of(arena_strndup(a, (const char *)value.data, value.len), value.len);
    return 0;
}

static int keep_parameters(struct arena *a, yyjson_val *value, struct native_ask *ask, struct err *err)
{
    size_t n;
    CLEANUP(freep) char *text = NULL;

    if (!yyjson_is_obj(value))
        return FAIL(err, ERR_INPUT, "'parameters' is an object {...}");
    text = yyjson_val_write(value, 0, &n);
    if (!text)
        return FAIL(err, ERR_INPUT, "'parameters' cannot be read");
    ask->parameters = bytes_of(arena_strndup(a, text, n), n);
    return 0;
}

static int take_member(struct arena *a, const char *key, yyjson_val *value, struct native_ask *ask,
                       struct err *err)
{
    const struct member *m = find_member(key);

    if (text_is(key, "parameters"))
        return keep_parameters(a, value, ask, err);
    if (!m)
        return FAIL(
            err, ERR_INPUT,
            "there is no member '%.64s'; known are url, pipeline, parameters, webhook, camera and name", key);
    if (!yyjson_is_str(value))
        return FAIL(err, ERR_INPUT, "'%s' is a text", key);
    return set_text(a, m, bytes_of(yyjson_get_str(value), yyjson_get_len(value)), ask, err);
}

int native_parse_json(struct arena *a, struct bytes json, struct native_ask *ret, struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(json, NATIVE_FIELD_MAX, err);
    struct native_ask ask = {0};
    yyjson_val *key, *value;
    size_t i, n;

    if (!doc)
        return -1;
    if (!yyjson_is_obj(yyjson_doc_get_root(doc)))
        return FAIL(err, ERR_INPUT, "the body is a JSON object like {\"url\": \"https://...\"}");
    yyjson_obj_foreach (yyjson_doc_get_root(doc), i, n, key, value)
        if (take_member(a, yyjson_get_str(key), value, &ask, err) < 0)
            return -1;
    *ret = ask;
    return 0;
}

/* ---- parameters: names and ranges as in the canonical spec (docs/report.md) ---- */

enum number_type { NUMBER_DOUBLE, NUMBER_INT, NUMBER_INT64 };

static const struct number {
    const char *name;
    enum number_type type;
    size_t offset;
    double min, max;
} common_numbers[] = {{"deadline_ms", NUMBER_INT64, offsetof(struct job_spec, deadline_ms), 1, 3600000}},
  alarm_numbers[] = {{"fps", NUMBER_DOUBLE, offsetof(struct job_spec, alarm.fps), 0.01, 60},
                     {"height", NUMBER_INT, offsetof(struct job_spec, alarm.height), 32, 2160},
                     {"max_frames", NUMBER_INT, offsetof(struct job_spec, alarm.max_frames), 1, 100000}};

static int set_number(const struct number *n, yyjson_val *value, struct job_spec *spec, struct err *err)
{
    double v = yyjson_is_num(value) ? yyjson_get_num(value) : (double)NAN;
    void *to = (char *)spec + n->offset;

    if (!(v >= n->min && v <= n->max) || (n->type != NUMBER_DOUBLE && v != floor(v)))
        return FAIL(err, ERR_INPUT, "parameters: '%s' is a%s number from %g to %.0f", n->name,
                    n->type == NUMBER_DOUBLE ? "" : " whole", n->min, n->max);
    if (n->type == NUMBER_DOUBLE)
        *(double *)to = v;
    else if (n->type == NUMBER_INT)
        *(int *)to = (int)v;
    else
        *(int64_t *)to = (int64_t)v;
    return 0;
}

static const struct number *find_number(const struct number *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(list[i].name, name))
            return &list[i];
    return NULL;
}

static int set_label_thresholds(struct arena *a, yyjson_val *obj, struct risk_rule *rule, struct err *err)
{
    struct label_threshold *all;
    yyjson_val *key, *value;
    size_t i, n;

    if (!yyjson_is_obj(obj))
        return FAIL(err, ERR_INPUT, "parameters: 'labels' of the thresholds is an object {...}");
    all = arena_array(a, yyjson_obj_size(obj), sizeof *all);
    yyjson_obj_foreach (obj, i, n, key, value) {
        if (!concept_is_label(yyjson_get_str(key)) || !yyjson_is_num(value))
            return FAIL(err, ERR_INPUT,
                        "parameters: 'labels' of the thresholds has concepts and numbers, not '%.64s'",
                        yyjson_get_str(key));
        all[i] = (struct label_threshold){arena_strdup(a, yyjson_get_str(key)), yyjson_get_num(value)};
    }
    rule->labels = all;
    rule->nlabels = n;
    return 0;
}

static int set_threshold(struct arena *a, const char *key, yyjson_val *value, struct risk_rule *rule,
                         struct err *err)
{
    double *to = text_is(key, "low")     ? &rule->low
                 : text_is(key, "high")  ? &rule->high
                 : text_is(key, "label") ? &rule->label
                                         : NULL;

    if (text_is(key, "labels"))
        return set_label_thresholds(a, value, rule, err);
    if (!to || !yyjson_is_num(value))
        return FAIL(err, ERR_INPUT,
                    "parameters: 'thresholds' has numbers low, high and label, and labels, not '%.64s'", key);
    *to = yyjson_get_num(value);
    return 0;
}

/* Over those of the rules file. */
static int set_thresholds(struct arena *a, yyjson_val *obj, struct job_spec *spec, struct err *err)
{
    struct risk_rule *rule = &spec->alarm.rule;
    yyjson_val *key, *value;
    size_t i, n;
    struct err why;

    if (!yyjson_is_obj(obj))
        return FAIL(err, ERR_INPUT, "parameters: 'thresholds' is an object {...}");
    yyjson_obj_foreach (obj, i, n, key, value)
        if (set_threshold(a, yyjson_get_str(key), value, rule, err) < 0)
            return -1;
    if (risk_rule_check_partial(rule, &why) < 0)
        return FAIL(err, ERR_INPUT, "parameters: %s", why.text);
    return 0;
}

static int set_points(yyjson_val *arr, struct zone *zone, struct err *err)
{
    yyjson_val *point;
    size_t i, n;

    if (yyjson_arr_size(arr) < 3 || yyjson_arr_size(arr) > ZONE_MAX_POINTS)
        return FAIL(err, ERR_INPUT, "parameters: a zone is a list of 3 to %d corners [x, y]",
                    ZONE_MAX_POINTS);
    yyjson_arr_foreach (arr, i, n, point) {
        yyjson_val *x = yyjson_arr_get(point, 0), *y = yyjson_arr_get(point, 1);
        struct zone_point p = {yyjson_get_num(x), yyjson_get_num(y)};
        bool inside = p.x >= 0 && p.x <= 1 && p.y >= 0 && p.y <= 1;
        if (yyjson_arr_size(point) != 2 || !yyjson_is_num(x) || !yyjson_is_num(y) || !inside)
            return FAIL(err, ERR_INPUT, "parameters: a corner of a zone is [x, y], both from 0 to 1");
        zone->points[zone->n++] = p;
    }
    return 0;
}

/* Instead of those of the rules file. */
static int set_zones(struct arena *a, yyjson_val *arr, struct job_spec *spec, struct err *err)
{
    size_t n = yyjson_arr_size(arr);
    struct zone *zones;

    if (!yyjson_is_arr(arr) || n > ZONE_MAX)
        return FAIL(err, ERR_INPUT, "parameters: 'zones' is a list of at most %d zones", ZONE_MAX);
    zones = arena_array(a, n, sizeof *zones);
    for (size_t i = 0; i < n; i++)
        if (set_points(yyjson_arr_get(arr, i), &zones[i], err) < 0)
            return -1;
    spec->alarm.zones = zones;
    spec->alarm.nzones = n;
    return 0;
}

static int alarm_parameter(struct arena *a, const char *key, yyjson_val *value, struct job_spec *spec,
                           struct err *err)
{
    const struct number *n = find_number(alarm_numbers, COUNT_OF(alarm_numbers), key);

    if (n)
        return set_number(n, value, spec, err);
    if (text_is(key, "thresholds"))
        return set_thresholds(a, value, spec, err);
    if (text_is(key, "zones"))
        return set_zones(a, value, spec, err);
    return FAIL(err, ERR_INPUT,
                "parameters: '%.64s' is not known; alarm has fps, height, max_frames, thresholds, zones and "
                "deadline_ms",
                key);
}

/* ---- pipelines which take jobs from outside ---- */

static const struct pipeline_row {
    const char *name;
    int (*parameter)(struct arena *a, const char *key, yyjson_val *value, struct job_spec *spec,
                     struct err *err);
} pipelines[] = {{"alarm", alarm_parameter}};

static const struct pipeline_row *find_pipeline(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(pipelines); i++)
        if (text_is(pipelines[i].name, name))
            return &pipelines[i];
    return NULL;
}

static int apply_one(struct arena *a, const struct pipeline_row *p, const char *key, yyjson_val *value,
                     struct job_spec *spec, struct err *err)
{
    const struct number *n = find_number(common_numbers, COUNT_OF(common_numbers), key);

    return n ? set_number(n, value, spec, err) : p->parameter(a, key, value, spec, err);
}

static int apply_all(struct arena *a, const struct pipeline_row *p, struct bytes json, struct job_spec *spec,
                     struct err *err)
{
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    yyjson_val *key, *value;
    struct err why;
    size_t i, n;

    if (!json.len)
        return 0;
    doc = json_read(json, NATIVE_FIELD_MAX, &why);
    if (!doc)
        return FAIL(err, ERR_INPUT, "parameters: %s", why.text);
    if (!yyjson_is_obj(yyjson_doc_get_root(doc)))
        return FAIL(err, ERR_INPUT, "'parameters' is an object {...}");
    yyjson_obj_foreach (yyjson_doc_get_root(doc), i, n, key, value)
        if (apply_one(a, p, yyjson_get_str(key), value, spec, err) < 0)
            return -1;
    return 0;
}

/* Not beyond what the operator lets one job cost. */
static int check_ceilings(const struct job_spec *asked, const struct job_spec *most, struct err *err)
{
    if (asked->deadline_ms > most->deadline_ms)
        return FAIL(err, ERR_INPUT, "parameters: 'deadline_ms' is at most %lld here",
                    (long long)most->deadline_ms);
    if (asked->alarm.max_frames > most->alarm.max_frames)
        return FAIL(err, ERR_INPUT, "parameters: 'max_frames' is at most %d here", most->alarm.max_frames);
    return job_spec_check(asked, err);
}

int native_apply(struct arena *a, const struct native_ask *ask, struct job_spec *spec, struct err *err)
{
    const struct pipeline_row *p = find_pipeline(ask->pipeline ? ask->pipeline : "alarm");
    struct job_spec most = *spec;

    if (!p)
        return FAIL(err, ERR_INPUT, "there is no pipeline '%.64s'", ask->pipeline);
    spec->pipeline = p->name;
    return apply_all(a, p, ask->parameters, spec, err) < 0 ? -1 : check_ceilings(spec, &most, err);
}

/* ---- the rest ---- */

struct bytes native_notes(struct arena *a, const struct native_ask *ask)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    if (ask->webhook)
        yyjson_mut_obj_add_str(doc, root, "webhook", ask->webhook);
    if (ask->camera)
        yyjson_mut_obj_add_str(doc, root, "camera", ask->camera);
    return json_write(a, doc);
}

static const char *note(struct arena *a, struct bytes notes, const char *key)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(notes, 8 * NATIVE_FIELD_MAX, NULL);

    return doc ? json_str(a, yyjson_doc_get_root(doc), key, NULL) : NULL;
}

const char *native_webhook_of(struct arena *a, struct bytes notes)
{
    return note(a, notes, "webhook");
}

const char *native_camera_of(struct arena *a, struct bytes notes)
{
    return note(a, notes, "camera");
}

double native_parse_prefer(const char *prefer)
{
    char word[32];
    double seconds;

    for (const char *s = prefer; s && *s; s += strcspn(s, ","), s += *s == ',') {
        s += strspn(s, " \t");
        if (strncasecmp(s, "wait=", 5) != 0)
            continue;
        text_copy(word, sizeof word, s + 5);
        word[strcspn(word, " \t,;")] = '\0';
        if (text_to_double(word, &seconds) && seconds >= 0)
            return seconds;
    }
    return -1;
}
