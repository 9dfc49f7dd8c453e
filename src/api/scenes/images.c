/* POST /v1/images: a batch of pictures as JSON. Collected in memory, taken apart on the desk, decoded where
 * the text lies, written one picture behind the other into one blob. */
#include <string.h>

#include "api/scenes/scenes_int.h"
#include "base/cleanup.h"

struct collect {
    struct ask ask;
    struct inbox inbox;
};

static void submit_head(struct request *r)
{
    struct collect *c = arena_alloc(request_arena(r), sizeof *c);
    struct api *api = api_of(r);
    struct err err;

    request_set_data(r, c);
    if (ask_begin(&c->ask, r, MEDIA_IMAGE) &&
        inbox_begin(&c->inbox, api->scenes, api->opts.scenes.max_batch, request_length(r), &err) < 0)
        ask_fail(&c->ask, &err);
}

static void submit_body(struct request *r, struct bytes piece)
{
    struct collect *c = request_data(r);

    if (ask_piece(&c->ask, piece) == 0 && inbox_add(&c->inbox, piece, &c->ask.err) == 0)
        keyed_data(&c->ask.keyed, piece);
    else
        inbox_clear(&c->inbox); /* now: the rest of the body may take its time */
}

/* ---- on the desk ---- */

static int write_pictures(struct collect *c, const struct batch *b, struct subject_part *parts,
                          struct blob_writer **ret_body, struct err *err)
{
    CLEANUP(blob_writer_freep) struct blob_writer *body = NULL;
    struct api *api = api_of(c->ask.request);

    if (blob_begin(&body, api->blobs, api->opts.scenes.max_batch, err) < 0)
        return -1;
    for (size_t i = 0; i < b->n; i++) {
        parts[i] =
            (struct subject_part){blob_written(body), (int64_t)b->items[i].data.len, b->items[i].error};
        if (b->items[i].data.len && blob_add(body, b->items[i].data, err) < 0)
            return -1;
    }
    *ret_body = TAKE(body);
    return 0;
}

static void submit_batch(struct collect *c, const struct batch *b)
{
    struct arena *a = request_arena(c->ask.request);
    struct subject_part *parts = arena_array(a, b->n, sizeof *parts);
    const char **ids = arena_array(a, b->n, sizeof *ids);
    struct scenes_notes notes = {.n = b->n, .external_ids = ids};
    struct job_request job = {.spec.scenes = {.nparts = b->n, .parts = parts}};
    struct err err = {0};

    for (size_t i = 0; i < b->n; i++)
        ids[i] = b->items[i].external_id;
    c->ask.callback = b->callback;
    c->ask.units = (double)b->n;
    if (ask_find_callback(&c->ask, &err) < 0 || write_pictures(c, b, parts, &job.body, &err) < 0) {
        ask_fail(&c->ask, &err);
        return;
    }
    inbox_clear(&c->inbox);
    ask_submit_take(&c->ask, &notes, &job);
}

static void take_apart(struct request *r)
{
    struct collect *c = request_data(r);
    struct batch b;
    struct err err = {0};
    size_t len;
    char *text;
    int status;

    keyed_part_end(&c->ask.keyed);
    if (inbox_text(&c->inbox, &text, &len, &err) < 0)
        ask_fail(&c->ask, &err);
    else if (scenes_parse_batch(request_arena(r), text, len, api_of(r)->opts.scenes.max_image, &b, &status,
                                &err) == 0)
        submit_batch(c, &b);
    else if (err.kind == ERR_IO)
        ask_fail(&c->ask, &err);
    else
        ask_refuse(&c->ask, status, err.text);
}

static void submit_run(struct request *r)
{
    struct collect *c = request_data(r);
    struct err err = c->ask.err;

    if (err.kind != ERR_NONE || desk_push(api_of(r)->scenes, r, take_apart, &err) < 0)
        ask_fail(&c->ask, &err);
}

static void submit_gone(struct request *r)
{
    struct collect *c = request_data(r);

    if (!c)
        return;
    ask_gone(&c->ask);
    inbox_clear(&c->inbox);
}

const struct handler scenes_images_submit = {submit_head, submit_body, submit_run, submit_gone};
