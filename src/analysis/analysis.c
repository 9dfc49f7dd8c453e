#include "analysis/analysis.h"
#include "infer/detect.h"
#include "media/sample.h"
#include "media/annotate.h"
#include "report/json.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include <string.h>
static int run(const struct toolbox *t, const struct job_spec *spec, struct subject_fds fds, int64_t dl, struct report *r, struct err *err)
{
    struct video *v; struct video_opts o = video_opts_defaults(); struct video_frame f; int rc;
    struct scaler *s = scaler_new(); struct detector *det = NULL; double best=0;
    if (strcmp(spec->pipeline,"annotate")==0) { struct report *old; if (report_from_json(r->arena, bytes_of(spec->annotate.report_json, strlen(spec->annotate.report_json)), &old, err)<0) return -1; return annotate_video(fds.media, fds.artefact, old, &o, err);}    
    o.deadline_mono_us = dl;
    if (video_open(&v, fds.media, &o, err) < 0) return -1;
    int k=0;
    while ((rc = video_next(v, &f, err)) > 0) {
        if (k++ % 8) continue;
        struct picture p; struct detection *d; size_t n;
        const struct media_info *mi = video_info(v);
        int w = sample_width(mi->width, mi->height, 320);
        if (scaler_bgr(s, f.av, mi->rotation, w, 320, &p, err) < 0) return -1;
        int m = report_add_moment(r, f.index, f.pts);
        r->sampling.width=w; r->sampling.height=320; r->sampling.judged++;
        if (!det) det = detector_new(r->arena, t->detector);
        if (detect(det, r->arena, &p, NULL, dl, &d, &n, err) < 0) return -1;
        for (size_t i=0;i<n;i++) { if (d[i].label->concept) { report_add_finding(r, &(struct finding){m, d[i].label->concept, (double)d[i].score, d[i].box, false}); if ((double)d[i].score>best) best=(double)d[i].score; } }
    }
    if (rc<0) return -1;
    r->media = *video_info(v);
    r->media.container = arena_strdup(r->arena, r->media.container); r->media.codec = arena_strdup(r->arena, r->media.codec);
    struct model_ref ref = card_ref(model_card(t->detector)); report_add_model(r, &ref);
    report_add_score(r, "intrusion", best, "stub");
    r->verdict.rule="alarm/0"; r->verdict.thresholds=model_card(t->detector)->rule; r->verdict.risk=risk_of(best,&r->verdict.thresholds);
    r->decoder = video_decoder_version();
    video_freep(&v); scaler_freep(&s);
    return 0;
}
void analyse(const struct toolbox *t, const struct job_spec *spec, struct subject_fds fds, struct report *r)
{
    struct err e = {0}; int64_t b = clock_mono_us();
    if (run(t, spec, fds, b + spec->deadline_ms*1000, r, &e) < 0) report_fail(r, &e);
    r->total_us = clock_mono_us()-b;
}
