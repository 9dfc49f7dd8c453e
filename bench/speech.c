/* How well a card of task "origin-speech" tells human from artificial speech, through the code that ships:
 * decoding, clips, voice gate, detector, floor.
 *
 *   speech CARD WEIGHTS RUNTIME FOLDER SPLIT [VOICE-CARD VOICE-WEIGHTS] [--scores]
 *
 * FOLDER has labels.csv with the columns path,label,system,speaker,split ("human", "artificial");
 * models/train/ speech_data.py makes such folders. SPLIT is one of them, or "all". A file counts as what its
 * known clips say in the mean; a file without one is unknown. Prints one line a system, then what all of them
 * make: auc       over the files with a score, known or uncertain balanced  mean of the shares that are
 * right, of the known human and of the known artificial files accused   human files called artificial, of all
 * human files missed    artificial files called human, of all artificial files and the processor time of a
 * clip. --scores: one line a file instead, with its mean logit. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/listen.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "media/sound.h"

enum { MAX_FILES = 20000, MAX_SYSTEMS = 64, LINE = 1000 };

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "speech: %s\n", what);
    exit(1);
}

struct row {
    char path[LINE], label[32], system[64], split[32];
};

struct outcome {
    bool human, scored, known;
    double score; /* mean logit of `artificial` over the clips that have one */
    double known_score;
    const char *code;
    size_t system;
};

struct tally {
    char name[64];
    bool human;
    int n, right, wrong, uncertain, too_short, not_speech;
};

static struct outcome *outcomes;
static size_t noutcomes;
static struct tally tallies[MAX_SYSTEMS];
static size_t ntallies;
static int64_t listen_us, nclips;

static struct model *load(struct arena *a, struct runtime *rt, const char *card_path, const char *weights)
{
    struct card *card = arena_alloc(a, sizeof *card);
    struct model *m = NULL;
    struct err err = {0};

    if (card_load(a, card_path, card, &err) < 0)
        give_up(err.text);
    card->file = weights;
    if (model_load(&m, rt, card, (struct bytes){0}, &err) < 0)
        give_up(err.text);
    return m;
}

static bool split_row(char *line, struct row *r)
{
    char *save = NULL, *part[5];

    for (int i = 0; i < 5; i++)
        if (!(part[i] = strtok_r(i ? NULL : line, ",\r\n", &save)))
            return false;
    snprintf(r->path, sizeof r->path, "%s", part[0]);
    snprintf(r->label, sizeof r->label, "%s", part[1]);
    snprintf(r->system, sizeof r->system, "%s", part[2]);
    snprintf(r->split, sizeof r->split, "%s", part[4]);
    return true;
}

static double logit(double p)
{
    p = fmin(fmax(p, 1e-12), 1 - 1e-12);
    return log(p / (1 - p));
}

static void hear_all(struct listen *l, int fd, const char *path)
{
    CLEANUP(sound_freep) struct sound *s = NULL;
    struct sound_opts o = sound_opts_defaults();
    struct sound_piece p;
    struct err err = {0};
    int r = sound_open(&s, fd, &o, &err);

    while (r >= 0 && (r = sound_next(s, &p, &err)) > 0)
        if (listen_take(l, p.samples, p.n, &err) < 0)
            r = -1;
    if (r < 0) {
        fprintf(stderr, "speech: %s: %s\n", path, err.text);
        exit(1);
    }
}

static struct outcome judge(const struct listen_tools *tools, const char *path)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct listen *l = listen_new(a, tools, 0);
    int64_t begin = clock_cpu_us();
    struct outcome out = {.code = "not_speech"};
    struct listen_clip *clips;
    double sum = 0, known_sum = 0;
    int scored = 0, known = 0;
    size_t n;

    hear_all(l, fd, path);
    if (listen_end(l, &clips, &n, NULL) < 0)
        give_up("a model failed");
    listen_us += clock_cpu_us() - begin;
    nclips += (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        const struct speech_opinion *o = &clips[i].answers[0].opinion;

        if (o->code && strcmp(o->code, "not_speech") != 0)
            out.code = o->code;
        if (o->human + o->artificial > 0) {
            sum += logit(o->artificial);
            scored++;
        }
        if (!o->unknown) {
            known_sum += o->artificial;
            known++;
        }
    }
    out.scored = scored > 0;
    out.score = scored ? sum / scored : 0;
    out.known = known > 0;
    out.known_score = known ? known_sum / known : 0;
    if (scored && !known)
        out.code = "uncertain";
    return out;
}

static struct tally *tally_of(const char *system, bool human)
{
    for (size_t i = 0; i < ntallies; i++)
        if (strcmp(tallies[i].name, system) == 0 && tallies[i].human == human)
            return &tallies[i];
    if (ntallies == MAX_SYSTEMS)
        give_up("too many systems");
    snprintf(tallies[ntallies].name, sizeof tallies[ntallies].name, "%s", system);
    tallies[ntallies].human = human;
    return &tallies[ntallies++];
}

static void count(struct outcome *o, const char *system)
{
    struct tally *t = tally_of(system, o->human);

    o->system = (size_t)(t - tallies);
    t->n++;
    if (o->known)
        *((o->known_score > 0.5) == !o->human ? &t->right : &t->wrong) += 1;
    else
        *(strcmp(o->code, "uncertain") == 0   ? &t->uncertain
          : strcmp(o->code, "too_short") == 0 ? &t->too_short
                                              : &t->not_speech) += 1;
}

static double auc(void)
{
    double good = 0, pairs = 0;

    for (size_t i = 0; i < noutcomes; i++)
        for (size_t k = 0; k < noutcomes; k++)
            if (outcomes[i].scored && outcomes[k].scored && outcomes[i].human && !outcomes[k].human) {
                good += outcomes[k].score > outcomes[i].score    ? 1
                        : outcomes[k].score == outcomes[i].score ? 0.5
                                                                 : 0;
                pairs++;
            }
    return pairs > 0 ? good / pairs : (double)NAN;
}

static void print_all(void)
{
    int n[2] = {0}, right[2] = {0}, wrong[2] = {0};

    for (size_t i = 0; i < ntallies; i++) {
        const struct tally *t = &tallies[i];

        printf("%-10s %-34s n=%d right=%d wrong=%d uncertain=%d too_short=%d not_speech=%d\n",
               t->human ? "human" : "artificial", t->name, t->n, t->right, t->wrong, t->uncertain,
               t->too_short, t->not_speech);
        n[t->human] += t->n;
        right[t->human] += t->right;
        wrong[t->human] += t->wrong;
    }
    printf("all human=%d artificial=%d auc=%.3f balanced=%.3f accused=%.3f missed=%.3f known=%.3f\n", n[1],
           n[0], auc(),
           ((double)right[1] / (right[1] + wrong[1]) + (double)right[0] / (right[0] + wrong[0])) / 2,
           (double)wrong[1] / n[1], (double)wrong[0] / n[0],
           (double)(right[0] + right[1] + wrong[0] + wrong[1]) / (n[0] + n[1]));
    printf("ms_per_clip=%.2f clips=%lld\n", (double)listen_us / 1e3 / (double)nclips, (long long)nclips);
}

int main(int argc, char **argv)
{
    bool scores = argc > 1 && strcmp(argv[argc - 1], "--scores") == 0;
    struct arena *a = arena_new();
    struct runtime *rt = NULL;
    struct model *speech, *voice = NULL;
    struct listen_tools tools = {.nspeech = 1};
    char line[LINE], path[2 * LINE];
    struct err err;
    FILE *f;

    argc -= scores;
    if (argc != 6 && argc != 8)
        give_up("usage: speech CARD WEIGHTS RUNTIME FOLDER SPLIT [VOICE-CARD VOICE-WEIGHTS] [--scores]");
    if (runtime_open(&rt, argv[3], &err) < 0)
        give_up(err.text);
    speech = load(a, rt, argv[1], argv[2]);
    if (argc == 8)
        voice = load(a, rt, argv[6], argv[7]);
    tools.speech = &speech;
    tools.voice = voice;
    snprintf(path, sizeof path, "%s/labels.csv", argv[4]);
    if (!(f = fopen(path, "re")))
        give_up("no labels.csv in the folder");
    outcomes = arena_array(a, MAX_FILES, sizeof *outcomes);
    while (fgets(line, sizeof line, f) && noutcomes < MAX_FILES) {
        struct row r;
        struct outcome *o = &outcomes[noutcomes];

        if (!split_row(line, &r) || strcmp(r.label, "label") == 0 ||
            (strcmp(argv[5], "all") != 0 && strcmp(argv[5], r.split) != 0))
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[4], r.path);
        *o = judge(&tools, path);
        o->human = strcmp(r.label, "human") == 0;
        count(o, r.system);
        noutcomes++;
        if (scores)
            printf("%s,%s,%s,%s,%.6f\n", r.path, r.label, r.system, o->scored ? "scored" : o->code, o->score);
    }
    fclose(f);
    if (!scores)
        print_all();
    model_freep(&speech);
    model_freep(&voice);
    runtime_freep(&rt);
    arena_free(a);
    return 0;
}
