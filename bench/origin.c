/* How good the detectors "human or artificial" are, through the code that ships.
 *
 *   origin judge RUNTIME DATA SCORES CARD...   all pictures of DATA/labels.csv (path,label,source,split): a
 *                                              line of SCORES for each picture and card, and a table
 *   origin time RUNTIME PICTURE ROUNDS CARD... CPU per stage of one picture: decoding, then each card
 *
 * In the table, per card, split and source: pictures, how many could be judged (are not too small), AUC
 * against all pictures of the split with the other label, the part called artificial and the part called
 * human at the card's thresholds (the rest is unknown); per split also the balanced accuracy at .5. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "infer/origin.h"
#include "media/still.h"

enum { MAX_PICTURES = 100000, MAX_CARDS = 8, MAX_BYTES = 64 << 20, MAX_LINE = 1000, MAX_ROUNDS = 1000 };

struct row {
    char *path, *label, *source, *split;
    bool artificial;
    struct origin_opinion of[MAX_CARDS];
    bool judged; /* could be decoded */
};

struct detector {
    struct card card;
    struct model *model; /* NULL: spectrum */
    struct origin_judge *judge;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "origin: %s\n", what);
    exit(1);
}

/* ---- in ---- */

static struct bytes read_file(struct arena *a, const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t n = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    uint8_t *data = n > 0 && n < MAX_BYTES ? arena_alloc(a, (size_t)n) : NULL;

    if (!data || pread(fd, data, (size_t)n, 0) != n)
        give_up("cannot read a picture");
    return bytes_of(data, (size_t)n);
}

static size_t read_labels(struct arena *a, const char *dir, struct row *rows)
{
    FILE *f = fopen(arena_printf(a, "%s/labels.csv", dir), "re");
    char line[MAX_LINE];
    size_t n = 0;

    if (!f || !fgets(line, sizeof line, f))
        give_up("DATA needs a labels.csv");
    while (n < MAX_PICTURES && fgets(line, sizeof line, f)) {
        char *save, *path = strtok_r(line, ",\r\n", &save), *label = strtok_r(NULL, ",\r\n", &save);
        char *source = strtok_r(NULL, ",\r\n", &save), *split = strtok_r(NULL, ",\r\n", &save);

        if (!split)
            give_up("labels.csv has a line without four fields");
        rows[n++] = (struct row){.path = arena_strdup(a, path),
                                 .label = arena_strdup(a, label),
                                 .source = arena_strdup(a, source),
                                 .split = arena_strdup(a, split),
                                 .artificial = text_is(label, "artificial")};
    }
    fclose(f);
    return n;
}

static void load(struct arena *a, struct runtime *rt, const char *path, struct detector *d)
{
    struct err err = {0};

    if (card_load(a, path, &d->card, &err) < 0 ||
        (d->card.file && model_load(&d->model, rt, &d->card, (struct bytes){0}, &err) < 0))
        give_up(err.text);
    d->judge = origin_judge_new(a, d->model, &d->card);
}

/* ---- judge ---- */

static void judge(struct arena *a, const char *dir, struct row *r, struct detector *all, size_t n)
{
    struct still_opts o = still_defaults();
    struct err err = {0};
    struct still s;

    if (still_read(a, read_file(a, arena_printf(a, "%s/%s", dir, r->path)), &o, &s, &err) < 0) {
        fprintf(stderr, "%s: %s\n", r->path, err.text);
        return;
    }
    r->judged = true;
    for (size_t i = 0; i < n; i++)
        if (origin_judge_picture(all[i].judge, a, &s.picture, 0, &r->of[i], &err) < 0)
            give_up(err.text);
}

static bool has_score(const struct row *r, size_t card)
{
    return r->judged && !text_is(r->of[card].code, "too_small");
}

/* ---- out ---- */

static void write_scores(const char *path, const struct row *rows, size_t n, const struct detector *all,
                         size_t ncards)
{
    FILE *f = fopen(path, "we");

    if (!f)
        give_up("cannot write SCORES");
    fprintf(f, "model,path,label,source,split,code,artificial\n");
    for (size_t c = 0; c < ncards; c++)
        for (size_t i = 0; i < n; i++)
            if (rows[i].judged)
                fprintf(f, "%s,%s,%s,%s,%s,%s,%.17g\n", all[c].card.name, rows[i].path, rows[i].label,
                        rows[i].source, rows[i].split, rows[i].of[c].code ? rows[i].of[c].code : "",
                        rows[i].of[c].artificial);
    fclose(f);
}

/* Which rows a line of the table is about; source NULL: all of the split. */
struct group {
    const char *split, *source;
};

static bool is_in(const struct group *g, const struct row *r)
{
    return text_is(r->split, g->split) && (!g->source || text_is(r->source, g->source));
}

/* How often an artificial picture of one group has the higher score than a human one of the other: of each
 * pair, half a point when equal. */
static double auc(const struct row *rows, size_t n, size_t card, const struct group *artificial,
                  const struct group *human)
{
    double points = 0, pairs = 0;

    for (size_t i = 0; i < n; i++) {
        if (!rows[i].artificial || !has_score(&rows[i], card) || !is_in(artificial, &rows[i]))
            continue;
        for (size_t k = 0; k < n; k++)
            if (!rows[k].artificial && has_score(&rows[k], card) && is_in(human, &rows[k])) {
                double x = rows[i].of[card].artificial, y = rows[k].of[card].artificial;

                points += x > y ? 1 : x < y ? 0 : 0.5;
                pairs++;
            }
    }
    return pairs > 0 ? points / pairs : 0;
}

struct counts {
    double all, scored, called_artificial, called_human, above_half;
};

static struct counts count(const struct row *rows, size_t n, size_t card, const struct group *g,
                           bool artificial)
{
    struct counts c = {0};

    for (size_t i = 0; i < n; i++) {
        const struct origin_opinion *o = &rows[i].of[card];

        if (!is_in(g, &rows[i]) || rows[i].artificial != artificial)
            continue;
        c.all++;
        c.scored += has_score(&rows[i], card);
        if (!has_score(&rows[i], card))
            continue;
        c.called_artificial += !o->unknown && o->artificial > o->human;
        c.called_human += !o->unknown && o->human > o->artificial;
        c.above_half += o->artificial > 0.5;
    }
    return c;
}

static void print_line(const struct group *g, const char *label, const struct counts *c, double area)
{
    double n = c->scored > 0 ? c->scored : 1;

    printf("%-16s %-10s %-10s %5.0f %5.0f  %.3f  %.3f  %.3f\n", g->split, g->source ? g->source : "all",
           label, c->all, c->scored, area, c->called_artificial / n, c->called_human / n);
}

static bool seen_before(const struct row *rows, size_t i, bool source)
{
    for (size_t k = 0; k < i; k++)
        if (text_is(rows[k].split, rows[i].split) && (!source || text_is(rows[k].source, rows[i].source)))
            return true;
    return false;
}

static void print_split(const struct row *rows, size_t n, size_t card, const struct group *all)
{
    struct counts a = count(rows, n, card, all, true), h = count(rows, n, card, all, false);
    double area = auc(rows, n, card, all, all);

    for (size_t i = 0; i < n; i++) {
        struct group g = {all->split, rows[i].source};
        struct counts c;

        if (!is_in(all, &rows[i]) || seen_before(rows, i, true))
            continue;
        c = count(rows, n, card, &g, rows[i].artificial);
        print_line(&g, rows[i].label, &c,
                   rows[i].artificial ? auc(rows, n, card, &g, all) : auc(rows, n, card, all, &g));
    }
    print_line(all, "artificial", &a, area);
    print_line(all, "human", &h, area);
    printf("%-16s balanced accuracy at .5: %.3f, at the thresholds (unknown is wrong): %.3f\n", all->split,
           (a.above_half / a.scored + 1 - h.above_half / h.scored) / 2,
           (a.called_artificial / a.scored + h.called_human / h.scored) / 2);
}

static void print_table(const struct row *rows, size_t n, const struct detector *d, size_t card)
{
    printf("\n%s %s: artificial from %g, human from %g\n", d->card.name, d->card.version,
           d->card.origin.artificial_from, d->card.origin.floor);
    printf("split            source     label        all judged AUC  artif. human\n");
    for (size_t i = 0; i < n; i++) {
        struct group all = {rows[i].split, NULL};

        if (!seen_before(rows, i, false))
            print_split(rows, n, card, &all);
    }
}

static void judge_all(struct arena *a, const char *dir, const char *scores, struct detector *all,
                      size_t ncards)
{
    struct row *rows = arena_array(a, MAX_PICTURES, sizeof *rows);
    size_t n = read_labels(a, dir, rows);

    for (size_t i = 0; i < n; i++) {
        CLEANUP(arena_freep) struct arena *scratch = arena_new();

        judge(scratch, dir, &rows[i], all, ncards);
    }
    write_scores(scores, rows, n, all, ncards);
    for (size_t c = 0; c < ncards; c++)
        print_table(rows, n, &all[c], c);
}

/* ---- time ---- */

static int by_value(const void *x, const void *y)
{
    const double *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

static void print_median(const char *what, double *ms, int n)
{
    qsort(ms, (size_t)n, sizeof *ms, by_value);
    printf("%-16s %8.2f ms (least %.2f)\n", what, ms[n / 2], ms[0]);
}

static void time_all(struct arena *a, const char *path, int rounds, struct detector *all, size_t ncards)
{
    static double ms[MAX_CARDS + 1][MAX_ROUNDS];
    struct bytes file = read_file(a, path);

    for (int i = 0; i < rounds; i++) {
        CLEANUP(arena_freep) struct arena *scratch = arena_new();
        struct still_opts o = still_defaults();
        struct origin_opinion opinion;
        int64_t begin = clock_cpu_us();
        struct err err = {0};
        struct still s;

        if (still_read(scratch, file, &o, &s, &err) < 0)
            give_up(err.text);
        ms[0][i] = (double)(clock_cpu_us() - begin) / 1e3;
        for (size_t c = 0; c < ncards; c++) {
            begin = clock_cpu_us();
            if (origin_judge_picture(all[c].judge, scratch, &s.picture, 0, &opinion, &err) < 0)
                give_up(err.text);
            ms[c + 1][i] = (double)(clock_cpu_us() - begin) / 1e3;
        }
    }
    print_median("decode", ms[0], rounds);
    for (size_t c = 0; c < ncards; c++)
        print_median(all[c].card.name, ms[c + 1], rounds);
}

static int rounds_of(const char *s)
{
    int64_t n;

    if (!text_to_i64(s, &n) || n < 1 || n > MAX_ROUNDS)
        give_up("ROUNDS must be 1 to 1000");
    return (int)n;
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new();
    struct detector all[MAX_CARDS] = {0};
    struct runtime *rt = NULL;
    struct err err = {0};
    size_t n = 0;

    if (argc < 6 || argc > 5 + MAX_CARDS || (!text_is(argv[1], "judge") && !text_is(argv[1], "time")))
        give_up(
            "usage: origin judge RUNTIME DATA SCORES CARD... | origin time RUNTIME PICTURE ROUNDS CARD...");
    if (runtime_open(&rt, argv[2], &err) < 0)
        give_up(err.text);
    for (int i = 5; i < argc; i++)
        load(a, rt, argv[i], &all[n++]);
    if (text_is(argv[1], "judge"))
        judge_all(a, argv[3], argv[4], all, n);
    else
        time_all(a, argv[3], rounds_of(argv[4]), all, n);
    for (size_t i = 0; i < n; i++)
        model_freep(&all[i].model);
    runtime_freep(&rt);
    arena_free(a);
    return 0;
}
