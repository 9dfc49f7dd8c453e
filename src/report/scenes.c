/* The canonical JSON of what pipelines "scenes" and "pictures" are asked for and find. */
#include <math.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json_int.h"

static const double longest = 1e7; /* seconds; no video goes on that long */

static const char *const begins[] = {[SHOT_START] = "start", [SHOT_CUT] = "cut", [SHOT_GRADUAL] = "gradual"};
static const char *const genders[] = {
    [GENDER_UNIDENTIFIED] = "unidentified", [GENDER_FEMALE] = "female", [GENDER_MALE] = "male"};

/* ---- asked for ---- */

void write_parts(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct subject_part *parts, size_t n)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, "parts"), *o;

    for (size_t i = 0; i < n; i++) {
        o = yyjson_mut_arr_add_obj(d, all);
        yyjson_mut_obj_add_int(d, o, "offset", parts[i].offset);
        yyjson_mut_obj_add_int(d, o, "size", parts[i].size);
        write_error(d, o, &parts[i].error);
    }
}

static void write_known(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenes_params *p)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, "known"), *one;

    for (size_t i = 0; i < p->nknown; i++) {
        one = yyjson_mut_arr_add_arr(d, all);
        for (size_t k = 0; k < p->known[i].n; k++)
            yyjson_mut_arr_add_real(d, one, (double)p->known[i].embedding[k]);
    }
}

void write_scenes_params(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenes_params *p)
{
    yyjson_mut_obj_add_real(d, obj, "fps", p->fps);
    yyjson_mut_obj_add_bool(d, obj, "people", p->people);
    yyjson_mut_obj_add_bool(d, obj, "texts", p->texts);
    yyjson_mut_obj_add_bool(d, obj, "tags", p->tags);
    yyjson_mut_obj_add_bool(d, obj, "embeddings", p->embeddings);
    yyjson_mut_obj_add_bool(d, obj, "thumbnails", p->thumbnails);
    yyjson_mut_obj_add_bool(d, obj, "age_gender", p->age_gender);
    yyjson_mut_obj_add_real(d, obj, "tag_from", p->tag_from);
    if (p->nparts)
        write_parts(d, obj, p->parts, p->nparts);
    if (p->nknown)
        write_known(d, obj, p);
}

const struct subject_part *read_parts(struct reader *rd, yyjson_val *o, size_t *ret_n)
{
    yyjson_val *all = read_arr(rd, o, "parts", PARTS_MAX, ret_n), *one;
    struct subject_part *parts = arena_array(rd->arena, *ret_n, sizeof *parts);
    size_t i, n;

    yyjson_arr_foreach (all, i, n, one) {
        parts[i].offset = read_int(rd, one, "offset", 0, INT64_MAX / 2);
        parts[i].size = read_int(rd, one, "size", 0, INT64_MAX / 2);
        read_error(rd, one, &parts[i].error);
    }
    return parts;
}

static float *read_floats(struct reader *rd, yyjson_val *arr, const char *what, size_t max, size_t *ret_n)
{
    size_t i, n = yyjson_arr_size(arr);
    yyjson_val *v;
    float *all;

    *ret_n = 0;
    if (!yyjson_is_arr(arr) || n > max) {
        read_refuse(rd, what);
        return NULL;
    }
    all = arena_array(rd->arena, n, sizeof *all);
    yyjson_arr_foreach (arr, i, n, v) {
        if (!yyjson_is_num(v) || !(fabs(yyjson_get_num(v)) <= 1e6))
            read_refuse(rd, what);
        else
            all[i] = (float)yyjson_get_num(v);
    }
    *ret_n = n;
    return all;
}

static void read_known(struct reader *rd, yyjson_val *o, struct scenes_params *p)
{
    yyjson_val *all = read_arr(rd, o, "known", KNOWN_FACES_MAX, &p->nknown), *one;
    struct known_face *known = arena_array(rd->arena, p->nknown, sizeof *known);
    size_t i, n;

    p->known = known;
    yyjson_arr_foreach (all, i, n, one)
        known[i].embedding = read_floats(rd, one, "known", SCENERY_MAX_EMBEDDING, &known[i].n);
}

struct scenes_params read_scenes_params(struct reader *rd, yyjson_val *o)
{
    struct scenes_params p = {
        .fps = read_num(rd, o, "fps", 0, 60),
        .people = read_bool(rd, o, "people"),
        .texts = read_bool(rd, o, "texts"),
        .tags = read_bool(rd, o, "tags"),
        .embeddings = read_bool(rd, o, "embeddings"),
        .thumbnails = read_bool(rd, o, "thumbnails"),
        .age_gender = read_bool(rd, o, "age_gender"),
        .tag_from = read_num(rd, o, "tag_from", 0, 1),
    };

    if (yyjson_obj_get(o, "parts"))
        p.parts = read_parts(rd, o, &p.nparts);
    if (yyjson_obj_get(o, "known"))
        read_known(rd, o, &p);
    return p;
}

/* ---- found: writing ---- */

/* Microseconds are finer than any frame, and keep the report small. */
static void write_seconds(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, double seconds)
{
    yyjson_mut_obj_add_real(d, obj, key, round(seconds * 1e6) / 1e6);
}

static void write_segment(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct segment *s)
{
    write_seconds(d, obj, "start", s->start);
    write_seconds(d, obj, "end", s->end);
}

static void write_shots(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenery *s)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, "shots"), *o;

    for (size_t i = 0; i < s->nshots; i++) {
        o = yyjson_mut_arr_add_obj(d, all);
        write_segment(d, o, &s->shots[i].time);
        write_str(d, o, "begin", begins[s->shots[i].begin]);
    }
}

static void write_floats(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const float *v, size_t n,
                         double grain)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, key);

    for (size_t i = 0; i < n; i++)
        yyjson_mut_arr_add_real(d, all, round((double)v[i] * grain) / grain);
}

static void write_activity(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenery *s)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(d, obj, "activity");

    write_seconds(d, o, "step", s->activity_step);
    write_floats(d, o, "values", s->activity, s->nactivity, 1e4);
}

static void write_person(yyjson_mut_doc *d, yyjson_mut_val *o, const struct person *p)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    if (!isnan(p->age))
        yyjson_mut_obj_add_real(d, o, "age", round(p->age * 10) / 10);
    write_str(d, o, "gender", genders[p->gender]);
    if (p->nembedding)
        write_floats(d, o, "embedding", p->embedding, p->nembedding, 1e6);
    if (p->thumbnail.len)
        write_str(d, o, "thumbnail", base64_encode(a, p->thumbnail));
    if (p->listed != LISTED_UNKNOWN)
        yyjson_mut_obj_add_bool(d, o, "listed", p->listed == LISTED_YES);
    write_seconds(d, o, "pts", p->box_pts);
    write_box(d, o, &p->box);
}

static void write_constellation(yyjson_mut_doc *d, yyjson_mut_val *o, const struct constellation *c)
{
    yyjson_mut_val *all, *one;

    write_segment(d, o, &c->time);
    all = yyjson_mut_obj_add_arr(d, o, "seen");
    for (size_t i = 0; i < c->n; i++) {
        one = yyjson_mut_arr_add_obj(d, all);
        yyjson_mut_obj_add_int(d, one, "person", c->seen[i].person);
        yyjson_mut_obj_add_real(d, one, "prominence", write_rounded(c->seen[i].prominence));
    }
}

static void write_people(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenery *s)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, "people");

    for (size_t i = 0; i < s->npeople; i++)
        write_person(d, yyjson_mut_arr_add_obj(d, all), &s->people[i]);
    all = yyjson_mut_obj_add_arr(d, obj, "constellations");
    for (size_t i = 0; i < s->nconstellations; i++)
        write_constellation(d, yyjson_mut_arr_add_obj(d, all), &s->constellations[i]);
}

static void write_texts(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenery *s)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, "texts"), *o;

    for (size_t i = 0; i < s->ntexts; i++) {
        o = yyjson_mut_arr_add_obj(d, all);
        write_str(d, o, "words", s->texts[i].words);
        if (s->texts[i].language)
            write_str(d, o, "language", s->texts[i].language);
        yyjson_mut_obj_add_real(d, o, "confidence", write_rounded(s->texts[i].confidence));
        write_segment(d, o, &s->texts[i].time);
        write_box(d, o, &s->texts[i].box);
    }
}

static void write_section(yyjson_mut_doc *d, yyjson_mut_val *o, const struct section *s)
{
    yyjson_mut_val *all;

    write_str(d, o, "tag", s->tag);
    yyjson_mut_obj_add_bool(d, o, "critical", s->critical);
    yyjson_mut_obj_add_real(d, o, "confidence", write_rounded(s->confidence));
    yyjson_mut_obj_add_real(d, o, "activity", write_rounded(s->activity));
    write_seconds(d, o, "best", s->best_pts);
    all = yyjson_mut_obj_add_arr(d, o, "segments");
    for (size_t i = 0; i < s->nsegments; i++)
        write_segment(d, yyjson_mut_arr_add_obj(d, all), &s->segments[i]);
}

static void write_sections(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenery *s)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, "sections");

    for (size_t i = 0; i < s->nsections; i++)
        write_section(d, yyjson_mut_arr_add_obj(d, all), &s->sections[i]);
}

static void write_tags(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenery *s)
{
    yyjson_mut_val *all = yyjson_mut_obj_add_arr(d, obj, "tags"), *o;

    for (size_t i = 0; i < s->ntags; i++) {
        o = yyjson_mut_arr_add_obj(d, all);
        write_str(d, o, "tag", s->tags[i].name);
        yyjson_mut_obj_add_real(d, o, "probability", write_rounded(s->tags[i].probability));
        yyjson_mut_obj_add_bool(d, o, "critical", s->tags[i].critical);
    }
}

static void write_effort(yyjson_mut_doc *d, yyjson_mut_val *obj, const struct scenery *s)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(d, obj, "effort");

    yyjson_mut_obj_add_int(d, o, "text_offered", s->text_offered);
    yyjson_mut_obj_add_int(d, o, "text_read", s->text_read);
    yyjson_mut_obj_add_int(d, o, "face_frames", s->face_frames);
}

static void write_scenery(yyjson_mut_doc *d, yyjson_mut_val *o, const struct scenery *s)
{
    if (s->has_shots)
        write_shots(d, o, s);
    if (s->activity_step > 0)
        write_activity(d, o, s);
    if (s->has_people)
        write_people(d, o, s);
    if (s->has_texts)
        write_texts(d, o, s);
    if (s->has_sections)
        write_sections(d, o, s);
    if (s->has_tags)
        write_tags(d, o, s);
    write_effort(d, o, s);
}

static void write_item(yyjson_mut_doc *d, yyjson_mut_val *o, const struct item *item)
{
    write_error(d, o, &item->error);
    write_str(d, o, "format", item->format);
    yyjson_mut_obj_add_int(d, o, "width", item->width);
    yyjson_mut_obj_add_int(d, o, "height", item->height);
    write_scenery(d, yyjson_mut_obj_add_obj(d, o, "scenes"), &item->scenery);
}

void write_scenes(yyjson_mut_doc *d, yyjson_mut_val *root, const struct report *r)
{
    yyjson_mut_val *items;

    if (r->scenery)
        write_scenery(d, yyjson_mut_obj_add_obj(d, root, "scenes"), r->scenery);
    items = yyjson_mut_obj_add_arr(d, root, "items");
    for (size_t i = 0; i < r->nitems; i++)
        write_item(d, yyjson_mut_arr_add_obj(d, items), &r->items[i]);
}

/* ---- found: reading ---- */

static struct segment read_segment(struct reader *rd, yyjson_val *o)
{
    struct segment s = {read_num(rd, o, "start", 0, longest), read_num(rd, o, "end", 0, longest)};

    if (s.end < s.start)
        read_refuse(rd, "end");
    return s;
}

static void read_shots(struct reader *rd, yyjson_val *obj, struct scenery *s)
{
    yyjson_val *all = read_arr(rd, obj, "shots", SCENERY_MAX_SHOTS, &s->nshots), *o;
    size_t i, n;

    s->has_shots = true;
    s->shots = arena_array(rd->arena, s->nshots, sizeof *s->shots);
    yyjson_arr_foreach (all, i, n, o) {
        s->shots[i].time = read_segment(rd, o);
        s->shots[i].begin = (enum shot_begin)read_word(rd, o, "begin", begins, COUNT_OF(begins));
    }
}

static void read_activity(struct reader *rd, yyjson_val *obj, struct scenery *s)
{
    yyjson_val *o = read_obj(rd, obj, "activity");

    s->activity_step = read_num(rd, o, "step", 0, longest);
    s->activity = read_floats(rd, yyjson_obj_get(o, "values"), "values", SCENERY_MAX_ACTIVITY, &s->nactivity);
}

static struct bytes read_base64(struct reader *rd, yyjson_val *o, const char *key, size_t max)
{
    char *text = arena_strdup(rd->arena, read_str(rd, o, key));
    size_t len = yyjson_get_len(yyjson_obj_get(o, key));
    struct bytes data = {0};

    if (rd->failed || len > max / 3 * 4 + 4 || !base64_decode(text, len, &data))
        read_refuse(rd, key);
    return data;
}

static struct person read_person(struct reader *rd, yyjson_val *o)
{
    struct person p = {
        .age = yyjson_obj_get(o, "age") ? read_num(rd, o, "age", 0, 150) : (double)NAN,
        .gender = (enum gender)read_word(rd, o, "gender", genders, COUNT_OF(genders)),
        .box_pts = read_num(rd, o, "pts", 0, longest),
        .box = read_box(rd, o),
    };

    if (yyjson_obj_get(o, "embedding"))
        p.embedding = read_floats(rd, yyjson_obj_get(o, "embedding"), "embedding", SCENERY_MAX_EMBEDDING,
                                  &p.nembedding);
    if (yyjson_obj_get(o, "thumbnail"))
        p.thumbnail = read_base64(rd, o, "thumbnail", SCENERY_MAX_THUMBNAIL);
    if (yyjson_obj_get(o, "listed"))
        p.listed = read_bool(rd, o, "listed") ? LISTED_YES : LISTED_NO;
    return p;
}

static struct constellation read_constellation(struct reader *rd, yyjson_val *o, size_t npeople)
{
    struct constellation c = {.time = read_segment(rd, o)};
    yyjson_val *all = read_arr(rd, o, "seen", npeople, &c.n), *one;
    size_t i, n;

    c.seen = arena_array(rd->arena, c.n, sizeof *c.seen);
    yyjson_arr_foreach (all, i, n, one)
        c.seen[i] = (struct appearance){(int)read_int(rd, one, "person", 0, (int64_t)npeople - 1),
                                        read_num(rd, one, "prominence", 0, 1)};
    return c;
}

static void read_people(struct reader *rd, yyjson_val *obj, struct scenery *s)
{
    yyjson_val *all = read_arr(rd, obj, "people", SCENERY_MAX_PEOPLE, &s->npeople), *o;
    size_t i, n;

    s->has_people = true;
    s->people = arena_array(rd->arena, s->npeople, sizeof *s->people);
    yyjson_arr_foreach (all, i, n, o)
        s->people[i] = read_person(rd, o);
    all = read_arr(rd, obj, "constellations", SCENERY_MAX_CONSTELLATIONS, &s->nconstellations);
    s->constellations = arena_array(rd->arena, s->nconstellations, sizeof *s->constellations);
    yyjson_arr_foreach (all, i, n, o)
        s->constellations[i] = read_constellation(rd, o, s->npeople);
}

static struct scene_text read_text(struct reader *rd, yyjson_val *o)
{
    struct scene_text t = {
        .words = read_str(rd, o, "words"),
        .language = read_optional(rd, o, "language"),
        .confidence = read_num(rd, o, "confidence", 0, 1),
        .time = read_segment(rd, o),
        .box = read_box(rd, o),
    };

    if (yyjson_get_len(yyjson_obj_get(o, "words")) > SCENERY_MAX_TEXT)
        read_refuse(rd, "words");
    return t;
}

static void read_texts(struct reader *rd, yyjson_val *obj, struct scenery *s)
{
    yyjson_val *all = read_arr(rd, obj, "texts", SCENERY_MAX_TEXTS, &s->ntexts), *o;
    size_t i, n;

    s->has_texts = true;
    s->texts = arena_array(rd->arena, s->ntexts, sizeof *s->texts);
    yyjson_arr_foreach (all, i, n, o)
        s->texts[i] = read_text(rd, o);
}

static struct section read_section(struct reader *rd, yyjson_val *o)
{
    struct section s = {
        .tag = read_str(rd, o, "tag"),
        .critical = read_bool(rd, o, "critical"),
        .confidence = read_num(rd, o, "confidence", 0, 1),
        .activity = read_num(rd, o, "activity", 0, 1),
        .best_pts = read_num(rd, o, "best", 0, longest),
    };
    yyjson_val *all = read_arr(rd, o, "segments", SCENERY_MAX_SEGMENTS, &s.nsegments), *one;
    size_t i, n;

    s.segments = arena_array(rd->arena, s.nsegments, sizeof *s.segments);
    yyjson_arr_foreach (all, i, n, one)
        s.segments[i] = read_segment(rd, one);
    return s;
}

static void read_sections(struct reader *rd, yyjson_val *obj, struct scenery *s)
{
    yyjson_val *all = read_arr(rd, obj, "sections", SCENERY_MAX_TAGS, &s->nsections), *o;
    size_t i, n;

    s->has_sections = true;
    s->sections = arena_array(rd->arena, s->nsections, sizeof *s->sections);
    yyjson_arr_foreach (all, i, n, o)
        s->sections[i] = read_section(rd, o);
}

static void read_tags(struct reader *rd, yyjson_val *obj, struct scenery *s)
{
    yyjson_val *all = read_arr(rd, obj, "tags", SCENERY_MAX_TAGS, &s->ntags), *o;
    size_t i, n;

    s->has_tags = true;
    s->tags = arena_array(rd->arena, s->ntags, sizeof *s->tags);
    yyjson_arr_foreach (all, i, n, o)
        s->tags[i] = (struct scene_tag){read_str(rd, o, "tag"), read_num(rd, o, "probability", 0, 1),
                                        read_bool(rd, o, "critical")};
}

static void read_effort(struct reader *rd, yyjson_val *obj, struct scenery *s)
{
    yyjson_val *o = read_obj(rd, obj, "effort");

    s->text_offered = (int)read_int(rd, o, "text_offered", 0, INT32_MAX);
    s->text_read = (int)read_int(rd, o, "text_read", 0, INT32_MAX);
    s->face_frames = (int)read_int(rd, o, "face_frames", 0, INT32_MAX);
}

static const struct {
    const char *key;
    void (*read)(struct reader *rd, yyjson_val *obj, struct scenery *s);
} blocks[] = {
    {"shots", read_shots}, {"activity", read_activity}, {"people", read_people},
    {"texts", read_texts}, {"sections", read_sections}, {"tags", read_tags},
};

static void read_scenery(struct reader *rd, yyjson_val *obj, struct scenery *ret)
{
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (yyjson_obj_get(obj, blocks[i].key))
            blocks[i].read(rd, obj, ret);
    read_effort(rd, obj, ret);
}

static void read_item(struct reader *rd, yyjson_val *o, struct item *ret)
{
    read_error(rd, o, &ret->error);
    ret->format = read_str(rd, o, "format");
    ret->width = (int)read_int(rd, o, "width", 0, INT32_MAX);
    ret->height = (int)read_int(rd, o, "height", 0, INT32_MAX);
    read_scenery(rd, read_obj(rd, o, "scenes"), &ret->scenery);
}

void read_scenes(struct reader *rd, yyjson_val *root, struct report *r)
{
    yyjson_val *all, *o;
    size_t i, n;

    if (yyjson_obj_get(root, "scenes")) {
        r->scenery = arena_alloc(rd->arena, sizeof *r->scenery);
        read_scenery(rd, read_obj(rd, root, "scenes"), r->scenery);
    }
    if (!yyjson_obj_get(root, "items"))
        return;
    all = read_arr(rd, root, "items", PARTS_MAX, &r->nitems);
    r->items = arena_array(rd->arena, r->nitems, sizeof *r->items);
    yyjson_arr_foreach (all, i, n, o)
        read_item(rd, o, &r->items[i]);
}
