#include "api/rules.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "verdict/concept.h"

static const char *const tenant_members[] = {"low", "high", "label", "labels", "cameras", NULL};
static const char *const camera_members[] = {"low", "high", "label", "labels", "zones", NULL};
static const char *const zone_members[] = {"width",    "height", "points", "active", "enabled",
                                           "repeatAt", "from",   "to",     NULL};

enum { RULES_MAX_BYTES = 16 << 20, EVERY_DAY = 127 };

struct timed_zone {
    struct zone zone;
    int weekdays;           /* bit 0 = Monday ... bit 6 = Sunday */
    int64_t from_us, to_us; /* 0 = open */
};

struct camera_rule {
    const char *id;
    struct risk_rule rule;
    size_t nzones;
    struct timed_zone *zones;
};

struct tenant_rule {
    const char *name;
    struct risk_rule rule;
    size_t ncameras;
    struct camera_rule *cameras;
};

struct rules {
    struct arena *arena;
    size_t ntenants;
    struct tenant_rule *tenants;
};

/* A member that is misspelled or of the wrong type must not be a threshold that silently does not apply. */
static int check_members(yyjson_val *obj, const char *const *known, const char *where, struct err *err)
{
    yyjson_val *key, *value;
    size_t i, n;

    if (!yyjson_is_obj(obj))
        return FAIL(err, ERR_INPUT, "rules for %s: an object {...} is needed", where);
    yyjson_obj_foreach (obj, i, n, key, value) {
        const char *const *k = known;

        (void)value;
        while (*k && !text_is(*k, yyjson_get_str(key)))
            k++;
        if (!*k)
            return FAIL(err, ERR_INPUT, "rules for %s: unknown member '%s'", where, yyjson_get_str(key));
    }
    return 0;
}

/* Keeps *ret when the member is absent. */
static int parse_number(yyjson_val *obj, const char *key, const char *where, double *ret, struct err *err)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    if (v && !yyjson_is_num(v))
        return FAIL(err, ERR_INPUT, "rules for %s: '%s' must be a number", where, key);
    *ret = v ? yyjson_get_num(v) : *ret;
    return 0;
}

/* {"animal": 0.3}: replaces the inherited ones. */
static int parse_labels(struct arena *a, yyjson_val *obj, const char *where, struct risk_rule *rule,
                        struct err *err)
{
    struct label_threshold *all = arena_array(a, yyjson_obj_size(obj), sizeof *all);
    yyjson_val *key, *value;
    size_t i, n;

    if (!obj)
        return 0;
    if (!yyjson_is_obj(obj))
        return FAIL(err, ERR_INPUT, "rules for %s: 'labels' is an object {...}", where);
    yyjson_obj_foreach (obj, i, n, key, value) {
        const char *label = arena_strdup(a, yyjson_get_str(key));

        if (!concept_is_label(label) || !yyjson_is_num(value))
            return FAIL(err, ERR_INPUT, "rules for %s: 'labels' needs concepts and numbers, not '%s'", where,
                        label);
        all[i] = (struct label_threshold){label, yyjson_get_num(value)};
    }
    rule->labels = all;
    rule->nlabels = n;
    return 0;
}

/* Thresholds of an object over those it inherits. */
static int parse_rule(struct arena *a, yyjson_val *obj, const char *where, struct risk_rule *rule,
                      struct err *err)
{
    struct err why;

    if (parse_number(obj, "low", where, &rule->low, err) < 0 ||
        parse_number(obj, "high", where, &rule->high, err) < 0 ||
        parse_number(obj, "label", where, &rule->label, err) < 0 ||
        parse_labels(a, yyjson_obj_get(obj, "labels"), where, rule, err) < 0)
        return -1;
    if (risk_rule_check_partial(rule, &why) < 0)
        return FAIL(err, ERR_INPUT, "rules for %s: %s", where, why.text);
    return 0;
}

static int parse_points(yyjson_val *points, double width, double height, struct zone *zone, struct err *err)
{
    yyjson_val *p;
    size_t i, n;

    if (yyjson_arr_size(points) < 3 || yyjson_arr_size(points) > ZONE_MAX_POINTS)
        return FAIL(err, ERR_INPUT, "a zone needs 3 to %d points", ZONE_MAX_POINTS);
    yyjson_arr_foreach (points, i, n, p) {
        double px = json_num(p, "px", -1), py = json_num(p, "py", -1);
        if (px < 0 || py < 0 || px > width || py > height)
            return FAIL(err, ERR_INPUT, "point %zu of a zone lies outside its %g x %g frame", i, width,
                        height);
        zone->points[zone->n++] = (struct zone_point){px / width, py / height};
    }
    return 0;
}

static int parse_time(yyjson_val *obj, const char *key, int64_t *ret_us, struct err *err)
{
    yyjson_val *v = yyjson_obj_get(obj, key);

    if (v && (!yyjson_is_str(v) || !clock_parse_rfc3339(yyjson_get_str(v), ret_us)))
        return FAIL(err, ERR_INPUT, "'%s' of a zone is not an RFC 3339 time: %s", key,
                    yyjson_is_str(v) ? yyjson_get_str(v) : "no text");
    return 0;
}

static int parse_zone(yyjson_val *obj, struct timed_zone *z, struct err *err)
{
    double width = json_num(obj, "width", 0), height = json_num(obj, "height", 0);

    if (check_members(obj, zone_members, "a zone", err) < 0)
        return -1;
    if (!(width > 0 && height > 0))
        return FAIL(err, ERR_INPUT, "a zone needs the width and height of the frame it is drawn in");
    if (yyjson_obj_get(obj, "repeatAt") && !yyjson_is_int(yyjson_obj_get(obj, "repeatAt")))
        return FAIL(err, ERR_INPUT, "'repeatAt' of a zone is a whole number, the sum of its days");
    z->weekdays = (int)(json_int(obj, "repeatAt", EVERY_DAY) & EVERY_DAY);
    if (parse_time(obj, "from", &z->from_us, err) < 0 || parse_time(obj, "to", &z->to_us, err) < 0)
        return -1;
    return parse_points(yyjson_obj_get(obj, "points"), width, height, &z->zone, err);
}

static int parse_zones(struct arena *a, yyjson_val *arr, struct camera_rule *camera, struct err *err)
{
    yyjson_val *obj;
    size_t i, n;
    struct err why;

    if (!arr)
        return 0;
    if (!yyjson_is_arr(arr))
        return FAIL(err, ERR_INPUT, "rules for camera %s: 'zones' is a list [...]", camera->id);
    if (yyjson_arr_size(arr) > ZONE_MAX)
        return FAIL(err, ERR_INPUT, "rules for camera %s: more than %d zones", camera->id, ZONE_MAX);
    camera->zones = arena_array(a, yyjson_arr_size(arr), sizeof *camera->zones);
    yyjson_arr_foreach (arr, i, n, obj) {
        if (!json_bool(obj, "active", true) || !json_bool(obj, "enabled", true))
            continue;
        if (parse_zone(obj, &camera->zones[camera->nzones], &why) < 0)
            return FAIL(err, ERR_INPUT, "rules for camera %s: %s", camera->id, why.text);
        camera->nzones++;
    }
    return 0;
}

static int parse_cameras(struct arena *a, yyjson_val *obj, struct tenant_rule *tenant, struct err *err)
{
    yyjson_val *key, *value;
    size_t i, n;

    if (!obj)
        return 0;
    if (!yyjson_is_obj(obj))
        return FAIL(err, ERR_INPUT, "rules for %s: 'cameras' is an object {...}", tenant->name);
    tenant->cameras = arena_array(a, yyjson_obj_size(obj), sizeof *tenant->cameras);
    yyjson_obj_foreach (obj, i, n, key, value) {
        struct camera_rule *camera = &tenant->cameras[tenant->ncameras++];
        camera->id = arena_strdup(a, yyjson_get_str(key));
        camera->rule = tenant->rule;
        if (check_members(value, camera_members, camera->id, err) < 0 ||
            parse_rule(a, value, camera->id, &camera->rule, err) < 0 ||
            parse_zones(a, yyjson_obj_get(value, "zones"), camera, err) < 0)
            return -1;
    }
    return 0;
}

static int parse(struct rules *r, yyjson_val *root, struct err *err)
{
    yyjson_val *tenants = yyjson_obj_get(root, "tenants"), *key, *value;
    size_t i, n;

    if (!yyjson_is_obj(tenants))
        return FAIL(err, ERR_INPUT, "the rules file has no object \"tenants\"");
    r->tenants = arena_array(r->arena, yyjson_obj_size(tenants), sizeof *r->tenants);
    yyjson_obj_foreach (tenants, i, n, key, value) {
        struct tenant_rule *tenant = &r->tenants[r->ntenants++];
        tenant->name = arena_strdup(r->arena, yyjson_get_str(key));
        tenant->rule = risk_rule_unset();
        if (check_members(value, tenant_members, tenant->name, err) < 0 ||
            parse_rule(r->arena, value, tenant->name, &tenant->rule, err) < 0 ||
            parse_cameras(r->arena, yyjson_obj_get(value, "cameras"), tenant, err) < 0)
            return -1;
    }
    return 0;
}

static int read_file(struct arena *a, const char *path, struct bytes *ret, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *text;

    if (fd < 0 || fstat(fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot read the rules file %s", path);
    if (st.st_size > RULES_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "the rules file %s is larger than %d MiB", path, RULES_MAX_BYTES >> 20);
    text = arena_alloc(a, (size_t)st.st_size + 1);
    if (read(fd, text, (size_t)st.st_size) != st.st_size)
        return FAIL_ERRNO(err, "cannot read the rules file %s", path);
    *ret = bytes_of(text, (size_t)st.st_size);
    return 0;
}

static void rules_freep(struct rules **r)
{
    *r = rules_free(*r);
}

struct rules *rules_load(const char *path, struct err *err)
{
    CLEANUP(rules_freep) struct rules *r = mem_alloc(sizeof *r);
    CLEANUP(json_freep) yyjson_doc *doc = NULL;
    struct bytes text;

    r->arena = arena_new();
    if (!path)
        return TAKE(r);
    if (read_file(r->arena, path, &text, err) < 0) /* cppcheck-suppress nullPointer ; TAKE above returned */
        return NULL;
    doc = json_read(text, RULES_MAX_BYTES, err);
    if (!doc || parse(r, yyjson_doc_get_root(doc), err) < 0)
        return NULL;
    return TAKE(r);
}

struct rules *rules_free(struct rules *r)
{
    if (r)
        arena_free(r->arena);
    free(r);
    return NULL;
}

static const struct tenant_rule *find_tenant(const struct rules *r, const char *name)
{
    const struct tenant_rule *fallback = NULL;

    for (size_t i = 0; i < r->ntenants; i++) {
        if (text_is(r->tenants[i].name, name))
            return &r->tenants[i];
        if (text_is(r->tenants[i].name, "*"))
            fallback = &r->tenants[i];
    }
    return fallback;
}

static const struct camera_rule *find_camera(const struct tenant_rule *t, const char *id)
{
    for (size_t i = 0; i < t->ncameras; i++)
        if (text_is(t->cameras[i].id, id))
            return &t->cameras[i];
    return NULL;
}

/* Weekdays are those of UTC, as every time this server writes. */
static bool active_at(const struct timed_zone *z, int64_t now_us)
{
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm t;

    gmtime_r(&seconds, &t);
    return (z->weekdays >> ((t.tm_wday + 6) % 7) & 1) && (!z->from_us || now_us >= z->from_us) &&
           (!z->to_us || now_us < z->to_us);
}

static void copy_labels(struct arena *a, struct risk_rule *rule)
{
    struct label_threshold *labels = arena_array(a, rule->nlabels, sizeof *labels);

    for (size_t i = 0; i < rule->nlabels; i++)
        labels[i] = (struct label_threshold){arena_strdup(a, rule->labels[i].label), rule->labels[i].from};
    rule->labels = labels;
}

void rules_apply(const struct rules *r, struct arena *a, const char *tenant, const char *camera_id,
                 int64_t now_wall_us, struct alarm_params *params)
{
    const struct tenant_rule *t = find_tenant(r, tenant);
    const struct camera_rule *camera = t ? find_camera(t, camera_id) : NULL;
    struct zone *zones;

    if (!t)
        return;
    params->rule = camera ? camera->rule : t->rule;
    copy_labels(a, &params->rule);
    if (!camera)
        return;
    zones = arena_array(a, camera->nzones, sizeof *zones);
    for (size_t i = 0; i < camera->nzones; i++)
        if (active_at(&camera->zones[i], now_wall_us))
            zones[params->nzones++] = camera->zones[i].zone;
    params->zones = zones;
}

/* ---- those in force ---- */

struct rulebook {
    pthread_rwlock_t lock;
    /* --- guarded by lock --- */
    struct rules *rules;
};

struct rulebook *rulebook_new_take(struct rules *r)
{
    struct rulebook *b = mem_alloc(sizeof *b);

    pthread_rwlock_init(&b->lock, NULL);
    b->rules = r;
    return b;
}

struct rulebook *rulebook_free(struct rulebook *b)
{
    if (b) {
        rules_free(b->rules);
        pthread_rwlock_destroy(&b->lock);
    }
    free(b);
    return NULL;
}

void rulebook_replace_take(struct rulebook *b, struct rules *r)
{
    struct rules *old;

    pthread_rwlock_wrlock(&b->lock);
    old = b->rules;
    b->rules = r;
    pthread_rwlock_unlock(&b->lock);
    rules_free(old);
}

void rulebook_apply(struct rulebook *b, struct arena *a, const char *tenant, const char *camera_id,
                    int64_t now_wall_us, struct alarm_params *params)
{
    pthread_rwlock_rdlock(&b->lock);
    rules_apply(b->rules, a, tenant, camera_id, now_wall_us, params);
    pthread_rwlock_unlock(&b->lock);
}
