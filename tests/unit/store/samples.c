/* Projects and samples of the impulse API: whose they are, how they are found, changed, and how they go with
 * their files. */
#include "store/samples.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/projects.h"
#include "store/retention.h"
#include "test.h"
#include "unit/store/latch.h"
#include "unit/store/tempdir.h"

#define FILE_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FILE_B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NUMBERS "1111111111111111111111111111111111111111111111111111111111111111"

static struct bytes text(const char *s)
{
    return s ? bytes_of(s, strlen(s)) : (struct bytes){0};
}

static enum err_kind wait(struct latch *l, int queued)
{
    CHECK_INT(queued, 0);
    CHECK(latch_wait(l, 1, 20));
    return l->failures ? l->last.kind : ERR_NONE;
}

static enum err_kind project(struct records *db, const char *tenant, int64_t max, int64_t *ret_id)
{
    struct project_order order = {.tenant = tenant, .name = "vibrations", .who = "a-key", .max = max};
    struct latch l = LATCH;

    return wait(&l, records_add_project(db, &order, ret_id, latch_done, &l, NULL));
}

static struct sample_row row(int64_t to, const char *name)
{
    struct sample_row r = {.project = to,
                           .tenant = "acme",
                           .label = "idle",
                           .name = name,
                           .storage = "stored",
                           .sha256 = FILE_A,
                           .size = 12,
                           .numbers = NUMBERS,
                           .readings = 4,
                           .facts = text("{\"interval_ms\": 10.5}"),
                           .method = "HS256",
                           .created_us = 5,
                           .added_us = 7};
    return r;
}

static const struct sample_rules any = {false, 100};

static enum err_kind add(struct records *db, const struct sample_row *r, const struct sample_rules *rules,
                         int64_t *ret_id)
{
    struct latch l = LATCH;

    return wait(&l, records_add_sample(db, r, rules, ret_id, latch_done, &l, NULL));
}

static enum err_kind edit(struct records *db, const struct sample_edit *e)
{
    struct latch l = LATCH;

    return wait(&l, records_edit_sample(db, e, 9, latch_done, &l, NULL));
}

static bool in_use(struct records *db, const char *sha256)
{
    bool used = false;

    CHECK(records_blob_in_use(db, sha256, &used, NULL) == 0);
    return used;
}

static size_t audited(struct records *db, struct arena *a, const char *what)
{
    struct audit_line *lines;
    size_t n = 0;

    CHECK(records_audit(db, a, &(struct audit_query){.what = what}, &lines, &n, NULL) == 0);
    return n;
}

/* ---- projects ---- */

static void projects_are_a_tenants(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_row first, again, second, *rows;
    int64_t id = 0;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &first, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &again, NULL) == 0);
    CHECK_INT(first.id, again.id);
    CHECK_STR(first.hmac_key, again.hmac_key);
    CHECK(text_is_hex(first.hmac_key, 32));
    CHECK_STR(first.name, "acme");
    CHECK_INT(project(db, "acme", 2, &id), ERR_NONE);
    CHECK(id > first.id);
    CHECK_INT(project(db, "acme", 2, &id), ERR_LIMIT);
    CHECK_INT(project(db, "rival", 2, &id), ERR_NONE);
    CHECK(records_get_project(db, a, "acme", id, &second, NULL) < 0);
    CHECK(records_get_project(db, a, NULL, id, &second, NULL) == 0);
    CHECK(!text_is(second.hmac_key, first.hmac_key));
    CHECK(records_list_projects(db, a, "acme", &rows, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK_STR(rows[1].name, "vibrations");
    CHECK_INT(audited(db, a, "project.add"), 3);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* ---- samples ---- */

static void a_sample_is_as_it_was_stored(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_row p;
    struct sample_row r, got;
    struct err err;
    int64_t id = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &p, NULL) == 0);
    r = row(p.id, "wave.01");
    r.stretches = text("[{\"startIndex\":0,\"endIndex\":3,\"label\":\"grind\"}]");
    r.category = SAMPLE_ANOMALY;
    r.signed_well = true;
    CHECK_INT(add(db, &r, &any, &id), ERR_NONE);
    CHECK(records_get_sample(db, a, p.id, id, &got, NULL) == 0);
    CHECK_INT(got.category, SAMPLE_ANOMALY);
    CHECK_STR(got.label, "idle");
    CHECK_STR(got.name, "wave.01");
    CHECK_STR(got.sha256, FILE_A);
    CHECK_STR(got.numbers, NUMBERS);
    CHECK_INT(got.readings, 4);
    CHECK_STR(got.method, "HS256");
    CHECK(got.signed_well && !got.disabled);
    CHECK_INT(got.created_us, 5);
    CHECK_INT(got.added_us, 7);
    CHECK_INT(got.modified_us, 7);
    CHECK_INT(got.version, 1);
    CHECK_STR((const char *)got.stretches.data, (const char *)r.stretches.data);
    CHECK(!got.boxes.len && !got.metadata.len);
    CHECK(records_get_sample(db, a, p.id + 1, id, &got, &err) < 0 && err.kind == ERR_NOT_FOUND);
    r.tenant = "rival"; /* whose project it is not */
    CHECK_INT(add(db, &r, &any, &id), ERR_NOT_FOUND);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void duplicates_and_ceilings(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_row p;
    struct sample_row r;
    int64_t id = 0, second = 0, found = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &p, NULL) == 0);
    r = row(p.id, "wave.01");
    CHECK(records_find_sample(db, p.id, FILE_A, &found, NULL) == 0);
    CHECK_INT(found, 0);
    CHECK_INT(add(db, &r, &(struct sample_rules){true, 2}, &id), ERR_NONE);
    CHECK_INT(add(db, &r, &(struct sample_rules){true, 2}, &second), ERR_CONFLICT);
    CHECK_INT(add(db, &r, &(struct sample_rules){false, 2}, &second), ERR_NONE);
    CHECK_INT(add(db, &r, &(struct sample_rules){false, 2}, &second), ERR_LIMIT);
    CHECK(records_find_sample(db, p.id, FILE_A, &found, NULL) == 0);
    CHECK_INT(found, id);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* Which samples a filter finds; six of them. */
static const struct {
    const char *what;
    struct sample_filter filter;
    int64_t n;
} filters[] = {
    {"all", {.category = -1, .signature = -1, .disabled = -1}, 6},
    {"training", {.category = SAMPLE_TRAINING, .signature = -1, .disabled = -1}, 4},
    {"testing", {.category = SAMPLE_TESTING, .signature = -1, .disabled = -1}, 2},
    {"anomaly", {.category = SAMPLE_ANOMALY, .signature = -1, .disabled = -1}, 0},
    {"label", {.category = -1, .labels = "[\"wave\"]", .signature = -1, .disabled = -1}, 1},
    {"two labels", {.category = -1, .labels = "[\"wave\",\"idle\"]", .signature = -1, .disabled = -1}, 5},
    {"no label", {.category = -1, .labels = "[]", .signature = -1, .disabled = -1}, 0},
    {"along it", {.category = -1, .labels = "[\"grind\"]", .signature = -1, .disabled = -1}, 1},
    {"a quote", {.category = -1, .labels = "[\"' OR 1=1 --\"]", .signature = -1, .disabled = -1}, 0},
    {"name", {.category = -1, .filename = "S3", .signature = -1, .disabled = -1}, 1},
    {"any name", {.category = -1, .filename = "", .signature = -1, .disabled = -1}, 6},
    {"percent", {.category = -1, .filename = "%", .signature = -1, .disabled = -1}, 0},
    {"search", {.category = -1, .search = "WAV", .signature = -1, .disabled = -1}, 1},
    {"signed", {.category = -1, .signature = 1, .disabled = -1}, 2},
    {"not signed", {.category = -1, .signature = 0, .disabled = -1}, 4},
    {"disabled", {.category = -1, .signature = -1, .disabled = 1}, 1},
    {"enabled, testing", {.category = SAMPLE_TESTING, .signature = -1, .disabled = 0}, 1},
};

static void fill(struct records *db, int64_t to)
{
    static const char *const names[] = {"s0", "s1", "s2", "s3", "s4", "s5"};
    int64_t id;

    for (int i = 0; i < 6; i++) {
        struct sample_row r = row(to, names[i]);
        r.category = i < 4 ? SAMPLE_TRAINING : SAMPLE_TESTING;
        r.label = i == 0 ? "wave" : i == 1 ? NULL : "idle";
        r.stretches = text(i == 1 ? "[{\"startIndex\":0,\"endIndex\":3,\"label\":\"grind\"}]" : NULL);
        r.signed_well = i < 2;
        r.disabled = i == 5;
        CHECK_INT(add(db, &r, &any, &id), ERR_NONE);
    }
}

static void filters_find(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_row p;
    struct sample_row *rows;
    struct sample_sum *sums;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &p, NULL) == 0);
    fill(db, p.id);
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        struct sample_filter f = filters[i].filter;
        int64_t count = -1;
        f.project = p.id;
        CHECK(records_count_samples(db, &f, &count, NULL) == 0);
        CHECK_INT(count, filters[i].n);
        CHECK(records_list_samples(db, a, &f, 100, 0, &rows, &n, NULL) == 0);
        CHECK_INT(n, filters[i].n);
        f.project = p.id + 1;
        CHECK(records_count_samples(db, &f, &count, NULL) == 0 && count == 0);
        ROW("%s", filters[i].what);
    }
    CHECK(records_list_samples(db, a, &(struct sample_filter){p.id, -1, NULL, NULL, NULL, -1, -1}, 2, 1,
                               &rows, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK_STR(rows[0].name, "s4"); /* the newest first */
    CHECK(records_sum_samples(db, a, p.id, &sums, &n, NULL) == 0);
    CHECK_INT(n, 4);
    CHECK(sums[0].n == 2 && sums[0].length_ms == 84);
    records_freep(&db);
    tempdir_clear(&dir);
}

static void edits_change_what_they_name(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_row p;
    struct sample_row r, got;
    struct sample_edit e;
    int64_t id = 0;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &p, NULL) == 0);
    r = row(p.id, "wave.01");
    CHECK_INT(add(db, &r, &any, &id), ERR_NONE);
    e = sample_edit_of(p.id, id);
    e.label = "shake";
    CHECK_INT(edit(db, &e), ERR_NONE);
    e = sample_edit_of(p.id, id);
    e.disabled = 1;
    e.category = SAMPLE_TESTING;
    e.boxes = text("[]");
    CHECK_INT(edit(db, &e), ERR_NONE);
    CHECK(records_get_sample(db, a, p.id, id, &got, NULL) == 0);
    CHECK_STR(got.label, "shake");
    CHECK_STR(got.name, "wave.01");
    CHECK(got.disabled && got.category == SAMPLE_TESTING);
    CHECK_INT(got.version, 3);
    CHECK_INT(got.modified_us, 9);
    e = sample_edit_of(p.id, id);
    e.label = ""; /* none any more */
    CHECK_INT(edit(db, &e), ERR_NONE);
    CHECK(records_get_sample(db, a, p.id, id, &got, NULL) == 0 && !got.label);
    e.project++;
    CHECK_INT(edit(db, &e), ERR_NOT_FOUND);
    records_freep(&db);
    tempdir_clear(&dir);
}

/* ---- the end ---- */

static enum err_kind delete (struct records *db, int64_t from, int64_t id) {
    struct latch l = LATCH;

    return wait(&l, records_delete_sample(db, from, id, "a-key", latch_done, &l, NULL));
}

static void files_go_with_the_last_row(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_row p;
    struct leftover *left;
    struct sample_row r;
    int64_t one = 0, two = 0, three = 0;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &p, NULL) == 0);
    r = row(p.id, "a");
    CHECK_INT(add(db, &r, &any, &one), ERR_NONE);
    text_copy(r.sha256, sizeof r.sha256, FILE_B);
    CHECK_INT(add(db, &r, &any, &two), ERR_NONE);
    CHECK(in_use(db, FILE_A) && in_use(db, FILE_B) && in_use(db, NUMBERS));
    CHECK_INT(delete (db, p.id + 1, one), ERR_NOT_FOUND);
    CHECK_INT(delete (db, p.id, one), ERR_NONE);
    CHECK_INT(delete (db, p.id, one), ERR_NOT_FOUND);
    CHECK(!in_use(db, FILE_A) && in_use(db, FILE_B) && in_use(db, NUMBERS));
    CHECK(records_leftovers(db, a, 10, &left, &n, NULL) == 0);
    CHECK_INT(n, 1);
    CHECK_STR(left[0].sha256, FILE_A);
    CHECK_STR(left[0].artefact, NUMBERS);
    CHECK_STR(left[0].tenant, "acme");
    CHECK_INT(audited(db, a, "sample.delete"), 1);
    CHECK_INT(add(db, &r, &any, &three), ERR_NONE);
    CHECK(three > two); /* never used twice */
    records_freep(&db);
    tempdir_clear(&dir);
}

static void samples_go_with_their_project(void)
{
    struct tempdir dir = tempdir_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct records *db = NULL;
    struct project_row p;
    struct leftover *left;
    struct latch gone = LATCH, again = LATCH, foreign = LATCH;
    size_t n;

    CHECK(records_open(&db, dir.path, NULL) == 0);
    CHECK(records_first_project(db, a, "acme", &p, NULL) == 0);
    fill(db, p.id);
    CHECK_INT(wait(&foreign, records_delete_project(db, "rival", p.id, "k", latch_done, &foreign, NULL)),
              ERR_NOT_FOUND);
    CHECK_INT(wait(&gone, records_delete_project(db, "acme", p.id, "k", latch_done, &gone, NULL)), ERR_NONE);
    CHECK_INT(wait(&again, records_delete_project(db, "acme", p.id, "k", latch_done, &again, NULL)),
              ERR_NOT_FOUND);
    CHECK(!in_use(db, FILE_A) && !in_use(db, NUMBERS));
    CHECK(records_leftovers(db, a, 10, &left, &n, NULL) == 0);
    CHECK_INT(n, 6);
    CHECK_INT(audited(db, a, "project.delete"), 1);
    records_freep(&db);
    tempdir_clear(&dir);
}

int main(void)
{
    RUN(projects_are_a_tenants);
    RUN(a_sample_is_as_it_was_stored);
    RUN(duplicates_and_ceilings);
    RUN(filters_find);
    RUN(edits_change_what_they_name);
    RUN(files_go_with_the_last_row);
    RUN(samples_go_with_their_project);
    return test_end();
}
