/* assay model eval: what the names of folders mean, and sums over items whose scores are known. */
#include "cmd/eval_int.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "test.h"

static const struct {
    const char *what, *folders[4], *kind, *labels; /* labels NULL: refused */
} rows[] = {
    {"concepts", {"nothing", "person", "vehicle+animal"}, "alarm", "person vehicle animal intrusion"},
    {"no person, no intrusion", {"animal", "rain"}, "alarm", "animal rain"},
    {"origin", {"fake", "real"}, "origin", "artificial"},
    {"one of two", {"human"}, "origin", NULL},
    {"unsafe", {"nsfw", "safe"}, "nsfw", "unsafe"},
    {"faces", {"face", "nothing"}, "faces", "face"},
    {"anything else is a tag", {"cat", "cat+dog", "other"}, "tags", "cat dog"},
    {"nothing", {"nothing", "empty"}, "tags", NULL},
    {"no folder", {NULL}, "tags", NULL},
    {"too many in one", {"a+b+c+d+e+f+g+h+i"}, "tags", NULL},
};

static void words_of_folders(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct evaluation e = {.arena = arena_new(), .data = "data"};
        struct err err = {0};
        char labels[200] = "";
        size_t n = 0;
        int r;

        while (n < 4 && rows[i].folders[n])
            n++;
        e.kind = eval_kind_guess(rows[i].folders, n);
        CHECK_STR(e.kind->name, rows[i].kind);
        r = eval_read_folders(&e, rows[i].folders, n, &err);
        CHECK_INT(r, rows[i].labels ? 0 : -1);
        for (size_t k = 0; r == 0 && k < e.nlabels; k++)
            snprintf(labels + strlen(labels), sizeof labels - strlen(labels), "%s%s", k ? " " : "",
                     e.labels[k]);
        if (rows[i].labels)
            CHECK_STR(labels, rows[i].labels);
        ROW("%s: %s", rows[i].what, err.text);
        arena_free(e.arena);
    }
}

/* Four files: of two folders, with scores for person, animal and (derived) intrusion. */
static struct evaluation made(void)
{
    static const char *const folders[] = {"person", "animal", "none <b>"};
    static const double scores[][3] = {{.9, .1, .9}, {.3, .6, .3}, {.2, .8, .2}, {.1, .2, .1}};
    static const size_t in[] = {0, 0, 1, 2};
    struct evaluation e = {.arena = arena_new(), .data = "data <script>", .threshold = .5, .false_rate = .05};
    struct err err = {0};

    e.kind = eval_kind_find("alarm");
    if (eval_read_folders(&e, folders, COUNT_OF(folders), &err) < 0)
        abort();
    e.n = COUNT_OF(in) + 1;
    e.items = arena_array(e.arena, e.n, sizeof *e.items);
    for (size_t i = 0; i < COUNT_OF(in); i++) {
        e.items[i] = (struct eval_item){.path = "x", .folder = in[i], .cpu_ms = (double)i, .wall_ms = 2};
        e.items[i].scores = arena_array(e.arena, 3, sizeof(double));
        memcpy(e.items[i].scores, scores[i], sizeof scores[i]);
    }
    e.items[e.n - 1] = (struct eval_item){.path = "broken <i>", .problem = "no <u>video"};
    eval_sum(&e);
    return e;
}

static void sums(void)
{
    struct evaluation e = made();

    CHECK_INT(e.nlabels, 3);
    CHECK_STR(e.labels[2], "intrusion");
    CHECK(eval_is_derived(&e, 2) && !eval_is_derived(&e, 0));
    CHECK_INT(e.judged, 4);
    CHECK_INT(e.measures[0].shown, 2);
    CHECK_INT(e.measures[2].shown, 2);
    CHECK_NEAR(e.measures[0].auc, 1, 0);
    CHECK_NEAR(e.measures[0].at.recall, .5, 0);
    CHECK_NEAR(e.measures[1].at.false_rate, 1 / 3., 1e-12);
    CHECK_INT(e.confusion[0 * 4 + 0], 1); /* person: said person */
    CHECK_INT(e.confusion[0 * 4 + 1], 1); /* the other: animal */
    CHECK_INT(e.confusion[1 * 4 + 1], 1);
    CHECK_INT(e.confusion[2 * 4 + 3], 1); /* nothing */
    CHECK_NEAR(e.cpu_ms, 1.5, 0);
    CHECK_NEAR(e.wall_ms, 2, 0);
    arena_free(e.arena);
}

static void the_page_is_harmless(void)
{
    struct evaluation e = made();
    struct buf out = BUF(1 << 20);

    page_head(&out, "t");
    eval_page(&out, &e);
    page_foot(&out, &(struct program_ref){"1", ""});
    CHECK(strstr(out.data, "<polyline") && strstr(out.data, "<circle"));
    CHECK(!strstr(out.data, "<script") && !strstr(out.data, "<b>") && !strstr(out.data, "<u>") &&
          !strstr(out.data, "<i>"));
    CHECK(strstr(out.data, "&lt;script&gt;"));
    CHECK(!strstr(out.data, "nan"));
    buf_clear(&out);
    arena_free(e.arena);
}

int main(void)
{
    RUN(words_of_folders);
    RUN(sums);
    RUN(the_page_is_harmless);
    return test_end();
}
