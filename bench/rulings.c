/* rulings SCORES.csv...: what the heuristics make of the detectors' scores, as bench/origin wrote them: one
 * line for each heuristic and split. All detectors count, as in the cards that ship. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/heuristic.h"

enum { MOST_FILES = 8192, MOST_MODELS = 16, LINE = 4096, COLUMNS = 7 };
enum { MODEL, PATH, LABEL, SOURCE, SPLIT, CODE, ARTIFICIAL };

struct picture {
    char path[256], split[16];
    bool artificial;
    struct vote votes[MOST_MODELS];
};

static struct picture pictures[MOST_FILES];
static struct voter voters[MOST_MODELS];
static char names[MOST_MODELS][64];
static size_t npictures, nmodels;

static size_t model_of(const char *name)
{
    for (size_t i = 0; i < nmodels; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    if (nmodels == MOST_MODELS)
        exit(2);
    snprintf(names[nmodels], sizeof names[nmodels], "%s", name);
    voters[nmodels] = (struct voter){names[nmodels], true, false};
    return nmodels++;
}

static struct picture *picture_of(char *const column[COLUMNS])
{
    struct picture *p;

    for (size_t i = 0; i < npictures; i++)
        if (strcmp(pictures[i].path, column[PATH]) == 0)
            return &pictures[i];
    if (npictures == MOST_FILES)
        exit(2);
    p = &pictures[npictures++];
    snprintf(p->path, sizeof p->path, "%s", column[PATH]);
    snprintf(p->split, sizeof p->split, "%s", column[SPLIT]);
    p->artificial = strcmp(column[LABEL], "artificial") == 0;
    for (size_t m = 0; m < MOST_MODELS; m++)
        p->votes[m].unknown = true;
    return p;
}

static bool split_line(char *line, char *column[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
        if (!(column[i] = strsep(&line, ",\n")))
            return false;
    return true;
}

static void read_scores(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[LINE], *column[COLUMNS];

    if (!f || !fgets(line, sizeof line, f)) {
        fprintf(stderr, "rulings: cannot read %s\n", path);
        exit(1);
    }
    while (fgets(line, sizeof line, f))
        if (split_line(line, column)) {
            double score = atof(column[ARTIFICIAL]);
            struct vote *v = &picture_of(column)->votes[model_of(column[MODEL])];

            *v = (struct vote){.unknown = *column[CODE] != '\0', .score = {1 - score, score}};
        }
    fclose(f);
}

/* ---- the table ---- */

struct tally {
    int of, known, right; /* pictures; judged; judged as they are */
};

/* For the area under the curve: unknown lies in the middle. */
static double leaning(const struct vote_answer *a)
{
    if (a->unknown)
        return 0.5;
    return a->origin == ORIGIN_ARTIFICIAL ? 0.5 + a->confidence / 2 : 0.5 - a->confidence / 2;
}

static double area(const double *artificial, int n, const double *human, int m)
{
    double wins = 0;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < m; k++)
            wins += artificial[i] > human[k] ? 1 : artificial[i] < human[k] ? 0 : 0.5;
    return n && m ? wins / n / m : 0;
}

static double share(int part, int of)
{
    return of ? (double)part / of : 0;
}

static void print_ruling(const struct heuristic *h, const char *split)
{
    static double leans[2][MOST_FILES];
    struct tally t[2] = {{0}};

    for (size_t i = 0; i < npictures; i++) {
        const struct picture *p = &pictures[i];
        struct vote_answer a;

        if (strcmp(p->split, split) != 0)
            continue;
        a = heuristic_on(h, voters, p->votes, nmodels).answer;
        leans[p->artificial][t[p->artificial].of++] = leaning(&a);
        t[p->artificial].known += !a.unknown;
        t[p->artificial].right += !a.unknown && (a.origin == ORIGIN_ARTIFICIAL) == p->artificial;
    }
    printf("| `%s` | %s | %.2f | %.3f | %.2f | %.2f | %.2f | %.2f |\n", h->name, split,
           area(leans[1], t[1].of, leans[0], t[0].of),
           (share(t[0].right, t[0].known) + share(t[1].right, t[1].known)) / 2, share(t[1].right, t[1].of),
           share(t[0].known - t[0].right, t[0].of), share(t[1].known - t[1].right, t[1].of),
           1 - share(t[0].known + t[1].known, t[0].of + t[1].of));
}

int main(int argc, char **argv)
{
    static const char *const splits[] = {"val", "held", "fresh"};

    for (int i = 1; i < argc; i++)
        read_scores(argv[i]);
    puts("| heuristic | split | AUC | balanced accuracy of what is judged | found | false accusations | "
         "called "
         "human | unknown |\n|---|---|---|---|---|---|---|---|");
    for (int i = 0; i < HEURISTICS; i++)
        for (int k = 0; k < 3; k++)
            print_ruling(&heuristics[i], splits[k]);
    return npictures ? 0 : 1;
}
