/* A report as a person reads it. */
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/foreign.h"
#include "cmd/origins.h"
#include "cmd/timeline.h"

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

/* The plan is made from the header, which may promise less than there is. */
static int planned(const struct report *r)
{
    return r->sampling.planned > r->sampling.judged ? r->sampling.planned : r->sampling.judged;
}

/* A report with an error has a verdict only when the deadline cut it off after something was seen. */
static void print_error(const char *path, const struct report *r)
{
    printf("%s: NO VERDICT (%s): %s\n", path, err_code(r->error.kind), r->error.text);
    if (r->sampling.judged)
        printf("  judged %d of about %d frames until then\n", r->sampling.judged, planned(r));
}

static void print_alarm(const char *path, const struct report *r)
{
    const struct score *intrusion = report_score(r, "intrusion");

    if (!r->verdict.rule) {
        print_error(path, r);
        return;
    }
    printf("%s: %s%s (intrusion %.2f)\n", path, r->error.kind == ERR_NONE ? "" : "at least ", r->verdict.risk,
           intrusion ? intrusion->value : 0.0);
    if (r->error.kind != ERR_NONE)
        printf("  cut off (%s): %s\n", err_code(r->error.kind), r->error.text);
    print_scores(r);
    print_first_sight(r);
    printf("  judged %d frames of %.1f s (%s, %d x %d%s) in %.2f s with %s %s\n", r->sampling.judged,
           r->media.duration, r->media.codec, r->media.width, r->media.height,
           r->media.truncated ? ", breaks off" : "", (double)r->total_us / 1e6,
           r->nmodels ? r->models[0].name : "?", r->nmodels ? r->models[0].version : "");
}

void report_print(const char *path, const struct report *r)
{
    struct terminal t = terminal_of(STDOUT_FILENO);
    CLEANUP(buf_clear) struct buf text = BUF(64 << 20);

    if (pipeline_is_scenes(r->pipeline)) {
        timeline_print(&text, path, r, &t);
        fwrite(text.data, 1, text.len, stdout);
        return;
    }
    if (pipeline_is_origin(r->pipeline)) {
        origins_print(&text, path, r, &t);
        fwrite(text.data, 1, text.len, stdout);
        return;
    }
    foreign_plain(&text, path, 4096, t.utf8);
    print_alarm(text.data ? text.data : "", r);
}

/* ---- evidence ---- */

enum { PTS_SHOWN = 12 };

static void print_moments(const struct report *r)
{
    printf("  moments   %zu judged of about %d:", r->nmoments, planned(r));
    for (size_t i = 0; i < r->nmoments; i++) {
        if (i == PTS_SHOWN && r->nmoments > PTS_SHOWN + 1) {
            printf(" ...");
            i = r->nmoments - 1;
        }
        printf(" %.2f", r->moments[i].pts);
    }
    puts(r->nmoments ? " s" : " none");
}

static void print_models(const struct report *r)
{
    for (size_t i = 0; i < r->nmodels; i++) {
        const struct model_ref *m = &r->models[i];
        printf("  model     %s %s, sha256 %s\n", m->name, m->version, m->sha256);
        if (m->card)
            printf("  card      sha256 %s\n", m->card);
    }
}

static void print_scenes_configuration(const struct configuration *c)
{
    const struct scenes_params *p = &c->scenes;

    printf("  asked    %s%s%s%s%s%s; models see %g frames a second; within %lld ms\n",
           p->people ? " people" : "", p->texts ? " texts" : "", p->tags ? " tags" : "",
           p->embeddings ? " embeddings" : "", p->thumbnails ? " thumbnails" : "",
           p->age_gender ? " age-gender" : "", p->fps, (long long)c->deadline_ms);
}

static void print_origin_configuration(const struct configuration *c)
{
    const struct origin_params *p = &c->origin;

    printf("  asked     %d frames (%s)%s%s%s; verdict by %s; credentials decide: %s; within %lld ms\n",
           p->frames, key_frames_name(p->choose), p->faces ? ", faces" : "", p->heatmap ? ", heat map" : "",
           p->unsafe ? ", safety" : "", p->heuristic, credentials_force_name(p->force),
           (long long)c->deadline_ms);
}

static void print_configuration(const struct configuration *c)
{
    const struct risk_rule *rule = &c->alarm.rule;

    printf("  asked     %g frames a second, %d at most, of %d lines, within %lld ms\n", c->alarm.fps,
           c->alarm.max_frames, c->alarm.height, (long long)c->deadline_ms);
    printf("  rule      low %g, high %g, label %g", rule->low, rule->high, rule->label);
    for (size_t i = 0; i < rule->nlabels; i++)
        printf(", %s %g", rule->labels[i].label, rule->labels[i].from);
    printf("; %zu exclusion zone%s\n", c->alarm.nzones, c->alarm.nzones == 1 ? "" : "s");
}

void report_print_evidence(const struct report *r)
{
    printf("evidence\n  subject   sha256 %s, %lld bytes\n", r->subject.sha256, (long long)r->subject.size);
    print_moments(r);
    print_models(r);
    if (r->config.known && r->config.origin_known)
        print_origin_configuration(&r->config);
    else if (r->config.known && r->config.scenes_known)
        print_scenes_configuration(&r->config);
    else if (r->config.known)
        print_configuration(&r->config);
    printf("  decoder   %s%s%s\n", r->decoder, r->media.codec && *r->media.codec ? ", codec " : "",
           r->media.codec ? r->media.codec : "");
    if (r->runtime)
        printf("  runtime   %s\n", r->runtime);
    if (r->program.version)
        printf("  program   assay %s%s%s\n", r->program.version, *r->program.commit ? ", commit " : "",
               r->program.commit);
}
