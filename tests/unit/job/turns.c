/* Whose file is fetched next. */
#include "job/turns_int.h"

#include "base/c23.h"
#include "test.h"

/* A turn named in two letters: tenant and site; capital tenants are urgent. The same row of turns, pushed in
 * order, popped until nothing may begin, then the first open one is done, and so on. */
struct one {
    struct turn turn;
    char id[3], tenant[2];
};

static void make(struct one *o, const char *name)
{
    bool urgent = name[0] < 'a';

    memcpy(o->id, name, 2);
    o->id[2] = '\0';
    o->tenant[0] = (char)(name[0] | 0x20);
    o->tenant[1] = '\0';
    o->turn = (struct turn){.id = o->id,
                            .tenant = o->tenant,
                            .site = (uint64_t)name[1],
                            .priority = urgent ? JOB_URGENT : JOB_NORMAL};
}

static const struct {
    const char *what;
    size_t max_open, max_tenant, max_site;
    const char *pushed, *popped; /* ".": nothing more may begin; the oldest open one is done */
} rows[] = {
    {"one after the other", 9, 9, 9, "a1 a2 a3", "a1 a2 a3"},
    {"so many at a time", 2, 9, 9, "a1 a2 a3 a4 a5", "a1 a2 . a3 . a4 . a5"},
    {"tenants take turns", 1, 9, 9, "a1 a2 a3 a4 b1 b2 c1", "a1 . b1 . c1 . a2 . b2 . a3 . a4"},
    {"a tenant's own limit", 9, 2, 9, "a1 a2 a3 a4 b1", "a1 b1 a2 . a3 . . a4"},
    {"a source's limit", 9, 9, 2, "a1 b1 c1 d1 a2", "a1 b1 a2 . c1 . d1"},
    {"a slow source is passed over", 9, 9, 1, "a1 a1 a1 a2 b1 b3", "a1 b3 a2 . b1 . . . a1 . a1"},
    {"who waits does not stand behind its own", 1, 9, 9, "a1 a2 a3 A4 b1", "a1 . A4 . b1 . a2 . a3"},
    {"and not before others for ever", 1, 9, 9, "A1 A2 A3 A4 b1", "A1 . b1 . A2 . A3 . A4"},
};

enum { MAX = 16 };

static void run(size_t i)
{
    struct turns *t = turns_new(rows[i].max_open, rows[i].max_tenant, rows[i].max_site);
    struct one all[MAX];
    struct turn *open[MAX], *turn;
    size_t n = 0, first = 0, nopen = 0;
    char popped[128] = "";

    for (const char *s = rows[i].pushed; *s; s += s[2] ? 3 : 2)
        make(&all[n++], s);
    for (size_t k = 0; k < n; k++)
        turns_push(t, &all[k].turn);
    while (turns_len(t) > turns_nopen(t)) {
        while ((turn = turns_pop(t))) {
            snprintf(popped + strlen(popped), sizeof popped - strlen(popped), "%s%s", popped[0] ? " " : "",
                     turn->id);
            open[nopen++] = turn;
        }
        if (turns_len(t) == turns_nopen(t))
            break;
        snprintf(popped + strlen(popped), sizeof popped - strlen(popped), " .");
        turns_done(t, open[first++]);
    }
    while (first < nopen)
        turns_done(t, open[first++]);
    CHECK_STR(popped, rows[i].popped);
    CHECK_INT(turns_len(t), 0);
    ROW("%s", rows[i].what);
    turns_free(t);
}

static void order(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        run(i);
}

static void found_and_taken_out(void)
{
    struct turns *t = turns_new(1, 1, 1);
    struct one a, b, c;

    make(&a, "a1");
    make(&b, "b1");
    make(&c, "c1");
    turns_push(t, &a.turn);
    turns_push(t, &b.turn);
    turns_push(t, &c.turn);
    CHECK(turns_pop(t) == &a.turn);
    CHECK(turns_open(t, "a1") == &a.turn && !turns_waiting(t, "a1"));
    CHECK(turns_waiting(t, "c1") == &c.turn && !turns_open(t, "c1"));
    CHECK(turns_waiting(t, NULL) == &b.turn);
    turns_remove(t, &c.turn);
    turns_remove(t, &b.turn);
    CHECK(!turns_waiting(t, NULL));
    turns_push(t, &c.turn);
    turns_done(t, &a.turn);
    CHECK(turns_pop(t) == &c.turn);
    turns_done(t, &c.turn);
    CHECK_INT(turns_len(t), 0);
    turns_free(t);
}

int main(void)
{
    RUN(order);
    RUN(found_and_taken_out);
    return test_end();
}
