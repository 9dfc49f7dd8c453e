/* Prints what the looks for tampering say of files: one line each, for docs/tampering.md.
 *     tamper FILE... > scores.tsv
 * With -a before a file, the file is saved, changed and saved again first in several ways (made examples). */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/cleanup.h"

static void print(const char *path, const struct report *r)
{
    if (r->error.kind != ERR_NONE)
        printf("%s\terror\t%s\n", path, r->error.text);
    for (size_t i = 0; r->tampering && i < r->tampering->nitems; i++) {
        const struct tamper_item *t = &r->tampering->items[i];
        printf("%s#%zu", path, t->picture);
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
}

static int judge(const char *path)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY);
    struct toolbox tools = {.cpu_us = 20000000, .max_pixels = 40000000};
    struct job_spec spec = job_spec_defaults();
    struct subject_part part = {0};
    struct report *r;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    part.size = spec.subject.size = st.st_size;
    spec.pipeline = "tampering";
    spec.tamper.nparts = 1;
    spec.tamper.parts = &part;
    r = report_new(a, &spec);
    analyse(&tools, &spec, (struct subject_fds){fd, -1}, r);
    print(path, r);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (judge(argv[i]) < 0)
            perror(argv[i]);
    return 0;
}
