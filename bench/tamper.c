/* How often are the looks for tampering right, and how long do they take? For docs/tampering.md.
 *
 *     tamper FILE...         what each look says of each file, one line each
 *     tamper -m FILE...      the same of made examples: each photo saved again, with a part of the photo
 * before it pasted in, with a part of itself copied; then how many of each kind were found */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"
#include "forge.h"

struct tally {
    int n, known[TAMPER_MODELS], found[TAMPER_MODELS], verdicts[TAMPER_HEURISTICS];
};

static void count(struct tally *t, const struct tamper_item *item)
{
    t->n++;
    for (size_t k = 0; k < item->nevidence; k++) {
        const struct tamper_evidence *e = &item->evidence[k];
        t->known[e->model] += !e->code;
        t->found[e->model] += !e->code && e->score >= e->threshold;
    }
    for (int h = 0; h < TAMPER_HEURISTICS; h++)
        t->verdicts[h] += item->rulings[h].tampered;
}

static void print_item(const char *name, const struct tamper_item *t)
{
    printf("%s#%zu %dx%d", name, t->picture, t->width, t->height);
    if (t->error.kind != ERR_NONE)
        printf("\terror: %s", t->error.text);
    for (size_t k = 0; k < t->nevidence; k++) {
        const struct tamper_evidence *e = &t->evidence[k];
        printf("\t%s %s", tamper_model_name(e->model), e->code ? e->code : "");
        if (!e->code)
            printf("%.3f%s", e->score, e->score >= e->threshold ? "!" : "");
        printf(" (%.0f ms", e->seconds * 1e3);
        for (size_t n = 0; n < e->nnumbers; n++)
            printf(" %s=%.4g", e->numbers[n].name, e->numbers[n].value);
        printf(")");
    }
    printf("\n");
}

static void judge(struct tally *t, const char *name, int fd, int64_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct toolbox tools = {.cpu_us = 20000000, .max_pixels = 40000000};
    struct job_spec spec = job_spec_defaults();
    struct subject_part part = {.size = size};
    struct report *r;

    spec.pipeline = "tampering";
    spec.subject.size = size;
    spec.tamper.nparts = 1;
    spec.tamper.parts = &part;
    r = report_new(a, &spec);
    analyse(&tools, &spec, (struct subject_fds){fd, -1}, r);
    if (r->error.kind != ERR_NONE)
        printf("%s\terror\t%s\n", name, r->error.text);
    for (size_t i = 0; r->tampering && i < r->tampering->nitems; i++) {
        print_item(name, &r->tampering->items[i]);
        if (r->tampering->items[i].error.kind == ERR_NONE)
            count(t, &r->tampering->items[i]);
    }
}

static void print_tally(const char *kind, const struct tally *t)
{
    printf("= %-22s %4d:", kind, t->n);
    for (int m = 0; m < TAMPER_MODELS; m++)
        printf("  %s %d of %d", tamper_model_name((enum tamper_model)m), t->found[m], t->known[m]);
    for (int h = 0; h < TAMPER_HEURISTICS; h++)
        printf("  %s %d", tamper_heuristic_name((enum tamper_heuristic)h), t->verdicts[h]);
    printf("\n");
}

/* ---- made examples ---- */

static const struct kind {
    const char *name;
    int first, second; /* qualities; 0: not saved then */
    bool paste, copy;
} kinds[] = {
    {"saved 90", 90, 0, false, false},           {"saved 75, 92", 75, 92, false, false},
    {"saved 92, 75", 92, 75, false, false},      {"saved 75, lossless", 75, 0, false, false},
    {"pasted 75, 92", 75, 92, true, false},      {"pasted 60, 90", 60, 90, true, false},
    {"pasted 90, 95", 90, 95, true, false},      {"pasted 92, 75", 92, 75, true, false},
    {"pasted 75, lossless", 75, 0, true, false}, {"copied 90", 0, 90, false, true},
    {"copied 75, 92", 75, 92, false, true},      {"copied 90, 60", 90, 60, false, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct bytes make(struct arena *a, const struct kind *k, const struct picture *photo,
                         const struct picture *other)
{
    struct picture p = forge_copy(a, photo);
    int w = p.width / 4, h = p.height / 4, x = p.width / 2 + 3, y = p.height / 3 + 5;

    if (k->first)
        p = forge_open(a, forge_jpeg(a, &p, k->first));
    if (k->paste && other->width >= w + 21 && other->height >= h + 13)
        forge_paste(&p, x, y, other, 21, 13, w, h);
    if (k->copy)
        forge_paste(&p, x, y, &p, x - w - 30, y - h / 2, w, h);
    return k->second || (!k->paste && !k->copy && !strstr(k->name, "lossless"))
               ? forge_jpeg(a, &p, k->second ? k->second : k->first)
               : forge_bmp(a, &p);
}

static void judge_made(struct tally *tallies, const char *path, const struct picture *photo,
                       const struct picture *other)
{
    for (int k = 0; k < KINDS; k++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct bytes file = make(a, &kinds[k], photo, other);
        CLEANUP(fd_closep) int fd = memfd_create("made", MFD_CLOEXEC);
        const char *slash = strrchr(path, '/');
        if (write(fd, file.data, file.len) != (ssize_t)file.len)
            return;
        judge(&tallies[k], arena_printf(a, "%s:%s", slash ? slash + 1 : path, kinds[k].name), fd,
              (int64_t)file.len);
    }
}

static bool load(struct arena *a, const char *path, struct picture *ret)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY);
    struct stat st;
    uint8_t *data;

    if (fd < 0 || fstat(fd, &st) < 0)
        return false;
    data = arena_alloc(a, (size_t)st.st_size);
    if (read(fd, data, (size_t)st.st_size) != st.st_size)
        return false;
    *ret = forge_open(a, bytes_of(data, (size_t)st.st_size));
    return ret->pixels && ret->width >= 240 && ret->height >= 240;
}

static void made(int n, char **paths)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct tally tallies[KINDS] = {0};
    struct picture photo, other = {0};

    for (int i = 0; i < n; i++) {
        if (!load(a, paths[i], &photo))
            continue;
        if (other.pixels)
            judge_made(tallies, paths[i], &photo, &other);
        other = photo;
    }
    for (int k = 0; k < KINDS; k++)
        print_tally(kinds[k].name, &tallies[k]);
}

int main(int argc, char **argv)
{
    struct tally t = {0};

    if (argc > 1 && strcmp(argv[1], "-m") == 0) {
        made(argc - 2, argv + 2);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        CLEANUP(fd_closep) int fd = open(argv[i], O_RDONLY);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
            perror(argv[i]);
        else
            judge(&t, argv[i], fd, st.st_size);
    }
    print_tally("as they are", &t);
    return 0;
}
