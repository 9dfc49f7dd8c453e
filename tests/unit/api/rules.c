/* The rules file: what is read, inherited and refused. */
#include "api/rules.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "test.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* JSON is written with ' for ". */
static struct rules *rules_of(const char *text, struct err *err)
{
    char path[] = "/tmp/assay-rules-XXXXXX";
    CLEANUP(fd_closep) int fd = mkstemp(path);
    struct rules *r;

    for (const char *p = text; *p; p++)
        if (write(fd, *p == '\'' ? "\"" : p, 1) != 1)
            break;
    r = rules_load(path, err);
    unlink(path);
    return r;
}

static const char good[] =
    "{'tenants': {'acme': {'low': 0.1, 'labels': {'animal': 0.3}, 'cameras': {"
    "  'yard-1': {'high': 0.9, 'zones': ["
    "    {'width': 200, 'height': 100, 'points': [{'px': 0, 'py': 0}, {'px': 200, 'py': 0}, {'px': 0, 'py': "
    "50}]},"
    "    {'width': 1, 'height': 1, 'active': false, 'points': []},"
    "    {'width': 1, 'height': 1, 'points': [{'px': 0, 'py': 0}, {'px': 1, 'py': 0}, {'px': 0, 'py': 1}],"
    "     'from': '2026-01-01T00:00:00Z', 'to': '2026-02-01T00:00:00+01:00', 'repeatAt': 1}]},"
    "  'gate': {'labels': {'person': 0.7}}}},"
    " '*': {'high': 0.95}}}";

static int64_t at(const char *time)
{
    int64_t us = -1;

    CHECK(clock_parse_rfc3339(time, &us));
    return us;
}

static bool same(double got, double want)
{
    return isnan(want) ? isnan(got) : got == want;
}

static void values_are_inherited(void)
{
    static const struct {
        const char *tenant, *camera;
        double low, high, animal, person;
    } rows[] = {
        {"acme", "yard-1", 0.1, 0.9, 0.3, NAN},   {"acme", "gate", 0.1, NAN, NAN, 0.7},
        {"acme", "", 0.1, NAN, 0.3, NAN},         {"acme", "yard-2", 0.1, NAN, 0.3, NAN},
        {"other", "yard-1", NAN, 0.95, NAN, NAN},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct rules *r = rules_of(good, &err);

    CHECK_STR(err.text, "");
    CHECK(r != NULL);
    for (size_t i = 0; r && i < LENGTH(rows); i++) {
        struct alarm_params p = job_spec_defaults().alarm;

        rules_apply(r, a, rows[i].tenant, rows[i].camera, at("2026-11-20T12:00:00Z"), &p);
        CHECK(same(p.rule.low, rows[i].low) && same(p.rule.high, rows[i].high) && isnan(p.rule.label));
        CHECK(same(risk_label_from(&p.rule, "animal"), rows[i].animal));
        CHECK(same(risk_label_from(&p.rule, "person"), rows[i].person));
        ROW("%s %s", rows[i].tenant, rows[i].camera);
    }
    rules_free(r);
}

static void zones_have_their_times(void)
{
    static const struct {
        const char *now;
        size_t zones;
    } rows[] = {
        {"2026-11-16T12:00:00Z", 1}, /* a Monday after the time */
        {"2026-01-05T12:00:00Z", 2}, /* a Monday within it */
        {"2026-01-06T12:00:00Z", 1}, /* a Tuesday */
        {"2025-12-29T12:00:00Z", 1}, /* a Monday before it */
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rules *r = rules_of(good, NULL);

    for (size_t i = 0; r && i < LENGTH(rows); i++) {
        struct alarm_params p = job_spec_defaults().alarm;

        rules_apply(r, a, "acme", "yard-1", at(rows[i].now), &p);
        CHECK_INT(p.nzones, rows[i].zones);
        CHECK(p.nzones && p.zones[0].points[1].x == 1 && p.zones[0].points[2].y == 0.5);
        ROW("%s", rows[i].now);
    }
    rules_free(r);
}

static void nonsense_is_refused(void)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "JSON"},
        {"{}", "tenants"},
        {"{'tenants': []}", "tenants"},
        {"{'tenants': {'a': 1}}", "rules for a"},
        {"{'tenants': {'a': {'hihg': 0.9}}}", "unknown member 'hihg'"},
        {"{'tenants': {'a': {'high': '0.9'}}}", "'high' must be a number"},
        {"{'tenants': {'a': {'low': 0.9, 'high': 0.1}}}", "rules for a"},
        {"{'tenants': {'a': {'low': -1}}}", "rules for a"},
        {"{'tenants': {'a': {'labels': {'vehicule': 0.5}}}}", "not 'vehicule'"},
        {"{'tenants': {'a': {'labels': {'animal': 2}}}}", "animal"},
        {"{'tenants': {'a': {'labels': ['animal']}}}", "'labels' is an object"},
        {"{'tenants': {'a': {'cameras': ['c']}}}", "'cameras' is an object"},
        {"{'tenants': {'a': {'cameras': {'c': {'zones': {}}}}}}", "'zones' is a list"},
        {"{'tenants': {'a': {'cameras': {'c': {'zones': [{'width': 1, 'height': 1, 'from': 5, 'points': "
         "[{'px': 0, 'py': 0}, {'px': 1, 'py': 0}, {'px': 0, 'py': 1}]}]}}}}}",
         "RFC 3339"},
        {"{'tenants': {'a': {'cameras': {'c': {'zones': [{'width': 1, 'height': 1, 'repeatAt': 'never', "
         "'points': "
         "[{'px': 0, 'py': 0}, {'px': 1, 'py': 0}, {'px': 0, 'py': 1}]}]}}}}}",
         "repeatAt"},
        {"{'tenants': {'a': {'low': 0.5, 'cameras': {'c': {'high': 0.4}}}}}", "rules for c"},
        {"{'tenants': {'a': {'cameras': {'c': {'zone': []}}}}}", "unknown member 'zone'"},
        {"{'tenants': {'a': {'cameras': {'c': {'zones': [{}]}}}}}", "width and height"},
        {"{'tenants': {'a': {'cameras': {'c': {'zones': [{'width': 1, 'height': 1, 'points': [{'px': 0, "
         "'py': 0}]}]}}}}}",
         "3 to"},
        {"{'tenants': {'a': {'cameras': {'c': {'zones': [{'width': 1, 'height': 1, 'points': "
         "[{'px': 0, 'py': 0}, {'px': 2, 'py': 0}, {'px': 0, 'py': 1}]}]}}}}}",
         "point 1"},
        {"{'tenants': {'a': {'cameras': {'c': {'zones': [{'width': 1, 'height': 1, 'from': 'soon', 'points': "
         "[{'px': 0, 'py': 0}, {'px': 1, 'py': 0}, {'px': 0, 'py': 1}]}]}}}}}",
         "RFC 3339"},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct err err = {0};

        CHECK(rules_of(rows[i].text, &err) == NULL);
        CHECK(strstr(err.text, rows[i].says) != NULL);
        ROW("%s: %s", rows[i].text, err.text);
    }
    CHECK(rules_load("/nowhere/at/all", NULL) == NULL);
}

/* ---- while requests use them ---- */

struct user {
    struct rulebook *book;
    atomic_bool stop;
    int seen[2], odd;
};

/* Rules are used whole: the threshold and the label's belong together, also after the rules are gone. */
static void *use(void *arg)
{
    struct user *u = arg;

    while (!atomic_load(&u->stop)) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct alarm_params p = job_spec_defaults().alarm;
        double animal;

        rulebook_apply(u->book, a, "acme", "", 0, &p);
        sched_yield(); /* time for a replacement */
        animal = risk_label_from(&p.rule, "animal");
        if (p.rule.high == 0.8 && animal == 0.3)
            u->seen[0]++;
        else if (p.rule.high == 0.9 && animal == 0.4)
            u->seen[1]++;
        else
            u->odd++;
    }
    return NULL;
}

static void replaced_while_in_use(void)
{
    static const char *const texts[] = {
        "{'tenants':{'acme':{'low':0.1,'high':0.8,'labels':{'animal':0.3}}}}",
        "{'tenants':{'acme':{'low':0.1,'high':0.9,'labels':{'animal':0.4}}}}"};
    struct user users[3] = {{0}};
    struct rulebook *book = rulebook_new_take(rules_of(texts[0], NULL));
    pthread_t threads[3];

    for (int i = 0; i < 3; i++) {
        users[i].book = book;
        pthread_create(&threads[i], NULL, use, &users[i]);
    }
    for (int i = 1; i <= 400; i++) {
        rulebook_replace_take(book, rules_of(texts[i % 2], NULL));
        usleep(200);
    }
    for (int i = 0; i < 3; i++) {
        atomic_store(&users[i].stop, true);
        pthread_join(threads[i], NULL);
        CHECK(users[i].seen[0] > 0 && users[i].seen[1] > 0);
        CHECK_INT(users[i].odd, 0);
    }
    rulebook_free(book);
}

int main(void)
{
    RUN(values_are_inherited);
    RUN(zones_have_their_times);
    RUN(nonsense_is_refused);
    RUN(replaced_while_in_use);
    return test_end();
}
