/* A report as a person reads it. */
#include <stdio.h>

#include "cmd/cmd.h"

static void print_scores(const struct report *r)
{
    static const char *const shown[] = {"person", "vehicle", "animal"};

    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        const struct score *s = report_score(r, shown[i]);
        if (s)
            printf("%s%s %.2f", i ? ", " : "  ", shown[i], s->value);
    }
    putchar('\n');
}

static void print_first_sight(const struct report *r)
{
    const struct finding *best = NULL;

    for (size_t i = 0; i < r->nfindings; i++)
        if (!r->findings[i].excluded && (!best || r->findings[i].score > best->score))
            best = &r->findings[i];
    if (best)
        printf("  clearest: %s at %.1f s, at (%.0f %%, %.0f %%) of the picture\n", best->label,
               r->moments[best->moment].pts, 100 * ((double)best->box.x + (double)best->box.w / 2),
               100 * ((double)best->box.y + (double)best->box.h / 2));
}

void report_print(const char *path, const struct report *r)
{
    const struct score *intrusion = report_score(r, "intrusion");

    if (r->error.kind != ERR_NONE) {
        printf("%s: NO VERDICT (%s): %s\n", path, err_code(r->error.kind), r->error.text);
        return;
    }
    printf("%s: %s (intrusion %.2f)\n", path, r->verdict.risk, intrusion ? intrusion->value : 0.0);
    print_scores(r);
    print_first_sight(r);
    printf("  judged %d frames of %.1f s (%s, %d x %d%s) in %.2f s with %s %s\n", r->sampling.judged,
           r->media.duration, r->media.codec, r->media.width, r->media.height,
           r->media.truncated ? ", breaks off" : "", (double)r->total_us / 1e6,
           r->nmodels ? r->models[0].name : "?", r->nmodels ? r->models[0].version : "");
}
