/* Batches of real pictures through pipeline "pictures", with the development models. */
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kit.h"
#include "report/json.h"
#include "test.h"

static struct kit kit;
static bool ready;

/* The files one behind the other in memory; a name that is no file goes in as it stands. */
static int bundle(struct arena *a, const char *const *names, size_t n, struct subject_part *parts,
                  int64_t *ret_size)
{
    const char *shared = getenv("ASSAY_SHARED");
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    int64_t at = 0;

    for (size_t i = 0; i < n; i++) {
        CLEANUP(fd_closep)
        int from = open(arena_printf(a, "%s/data/media/%s", shared ? shared : "", names[i]), O_RDONLY);
        char *data = arena_alloc(a, 8 << 20);
        ssize_t got = from < 0 ? -1 : read(from, data, 8 << 20),
                size = got < 0 ? (ssize_t)strlen(names[i]) : got;
        const char *bytes = got < 0 ? names[i] : data;
        CHECK(write(fd, bytes, (size_t)size) == size);
        parts[i] = (struct subject_part){.offset = at, .size = size};
        at += size;
    }
    *ret_size = at;
    return fd;
}

static struct report *judge(struct arena *a, const char *const *names, size_t n, struct job_spec spec)
{
    struct subject_part *parts = arena_array(a, n, sizeof *parts);
    CLEANUP(fd_closep) int fd = bundle(a, names, n, parts, &spec.subject.size);
    struct report *r;

    spec.pipeline = "pictures";
    spec.scenes.nparts = n;
    spec.scenes.parts = parts;
    r = report_new(a, &spec);
    analyse(&kit.tools, &spec, (struct subject_fds){.media = fd, .artefact = -1}, r);
    return r;
}

static void print(const struct report *r, const char *const *names)
{
    for (size_t i = 0; i < r->nitems; i++) {
        const struct item *it = &r->items[i];
        printf("# %s: %s %dx%d, %zu people, %zu texts, tags", names[i],
               it->error.kind ? it->error.text : it->format, it->width, it->height, it->scenery.npeople,
               it->scenery.ntexts);
        for (size_t k = 0; k < it->scenery.ntags; k++)
            printf(" %s %.2f", it->scenery.tags[k].name, it->scenery.tags[k].probability);
        printf("\n");
    }
}

static void one_bad_picture_does_not_touch_the_others(void)
{
    static const char *const names[] = {"coco/000000000009.jpg", "no picture at all", "coco/000000000025.jpg",
                                        ""};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct report *r = judge(a, names, 4, job_spec_defaults());

    if (!ready)
        SKIP("no development models");
    print(r, names);
    CHECK_INT(r->error.kind, ERR_NONE);
    CHECK_INT(r->nitems, 4);
    CHECK(r->items[0].error.kind == ERR_NONE && r->items[2].error.kind == ERR_NONE);
    CHECK(r->items[1].error.kind == ERR_DECODE && r->items[3].error.kind != ERR_NONE);
    CHECK(r->items[0].scenery.has_people && r->items[0].scenery.has_tags && r->items[0].scenery.has_texts);
    CHECK(!r->items[1].scenery.has_people && !r->items[1].scenery.has_tags);
    CHECK_INT(r->sampling.judged, 2);
}

/* The same bytes, but for the times; and it survives the way to the front. */
static void same_batch_same_report(void)
{
    static const char *const names[] = {"coco/000000000036.jpg", "coco/000000000049.jpg"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *x, *y, *back;
    struct err err = {0};

    if (!ready)
        SKIP("no development models");
    spec.scenes.embeddings = spec.scenes.age_gender = spec.scenes.thumbnails = true;
    x = judge(a, names, 2, spec);
    y = judge(a, names, 2, spec);
    print(x, names);
    x->decode_us = x->infer_us = x->total_us = y->decode_us = y->infer_us = y->total_us = 0;
    CHECK_STR((const char *)report_to_json(a, x).data, (const char *)report_to_json(a, y).data);
    CHECK(report_from_json(a, report_to_json(a, x), &back, &err) == 0);
    CHECK_STR(err.text, "");
    CHECK_INT(x->nmodels, 5);
}

/* Off means off: no vector, no age, no picture of a face; but somebody is there. */
static void biometrics_are_off_unless_asked_for(void)
{
    static const char *const names[] = {"coco/000000000036.jpg"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *r = judge(a, names, 1, spec);

    if (!ready)
        SKIP("no development models");
    for (size_t i = 0; i < r->items[0].scenery.npeople; i++) {
        const struct person *p = &r->items[0].scenery.people[i];
        CHECK(p->nembedding == 0 && isnan(p->age) && p->gender == GENDER_UNIDENTIFIED &&
              p->thumbnail.len == 0);
        CHECK(p->listed == LISTED_UNKNOWN);
    }
    CHECK_INT(r->nmodels, 3);
}

static void the_deadline_stops_the_batch(void)
{
    static const char *const names[] = {"coco/000000000009.jpg", "coco/000000000025.jpg"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();
    struct report *r;

    if (!ready)
        SKIP("no development models");
    spec.deadline_ms = 1;
    r = judge(a, names, 2, spec);
    CHECK_INT(r->error.kind, ERR_TIMEOUT);
    CHECK(r->items[1].error.kind == ERR_TIMEOUT);
}

int main(void)
{
    ready = kit_open(&kit, NULL) && kit_add_scenes(&kit);

    RUN(one_bad_picture_does_not_touch_the_others);
    RUN(same_batch_same_report);
    RUN(biometrics_are_off_unless_asked_for);
    RUN(the_deadline_stops_the_batch);
    kit_clear(&kit);
    return test_end();
}
