/* Where large bodies of JSON are kept and taken apart. A batch of 64 MiB would hold up a net thread for a
 * good part of a second; so there is one thread for that, and a budget for what waits for it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "api/scenes/scenes_int.h"
#include "base/mem.h"
#include "base/queue.h"

enum { DESK_QUEUE = 256 };

struct work {
    struct request *request;
    void (*run)(struct request *r);
};

struct scenes {
    int64_t budget; /* bytes of all bodies in memory */
    atomic_llong charged;
    struct queue *queue;
    pthread_t thread;
    bool running;
};

static void *desk_main(void *arg)
{
    struct scenes *s = arg;
    void *item;

    while (queue_take(s->queue, &item, 1, 0) == 1) {
        struct work work = *(struct work *)item;
        free(item);
        work.run(work.request);
    }
    return NULL;
}

int scenes_start(struct scenes **ret, const struct scenes_opts *opts, struct err *err)
{
    struct scenes_params params;
    struct scenes *s;

    if (scenes_params_of(opts, &params, err) < 0 || scenes_check_paths(opts, err) < 0)
        return -1;
    s = mem_alloc(sizeof *s);
    s->budget = opts->batch_memory;
    s->queue = queue_new(DESK_QUEUE);
    s->running = pthread_create(&s->thread, NULL, desk_main, s) == 0;
    *ret = s;
    return s->running ? 0 : FAIL(err, ERR_IO, "cannot start a thread of the API; raise the limit of threads");
}

void scenes_stop(struct scenes *s)
{
    if (!s || !s->running)
        return;
    queue_close(s->queue);
    pthread_join(s->thread, NULL);
    s->running = false;
}

void scenes_freep(struct scenes **s)
{
    if (!*s)
        return;
    scenes_stop(*s);
    queue_free((*s)->queue);
    free(*s);
    *s = NULL;
}

int desk_push(struct scenes *s, struct request *r, void (*run)(struct request *r), struct err *err)
{
    struct work *work = mem_alloc(sizeof *work);

    *work = (struct work){r, run};
    if (queue_push(s->queue, work))
        return 0;
    free(work);
    return FAIL(err, ERR_BUSY, "too many batches are being read; try again in a moment");
}

/* ---- bodies ---- */

static int no_memory(struct err *err)
{
    return FAIL(err, ERR_BUSY, "no memory for one more batch just now; try again in a moment");
}

int inbox_begin(struct inbox *in, struct scenes *s, int64_t max, int64_t length, struct err *err)
{
    *in = (struct inbox){.scenes = s, .text = BUF((size_t)max + JSON_PADDING)};
    return length > s->budget - atomic_load(&s->charged) ? no_memory(err) : 0;
}

static int charge(struct inbox *in, struct err *err)
{
    int64_t more = (int64_t)in->text.cap - in->charged;

    if (more <= 0)
        return 0;
    in->charged += more;
    return atomic_fetch_add(&in->scenes->charged, more) + more > in->scenes->budget ? no_memory(err) : 0;
}

int inbox_add(struct inbox *in, struct bytes piece, struct err *err)
{
    if (piece.len > in->text.max - JSON_PADDING - in->text.len)
        return FAIL(err, ERR_LIMIT, "the body is larger than %zu bytes", in->text.max - JSON_PADDING);
    buf_add(&in->text, piece.data, piece.len);
    return charge(in, err);
}

int inbox_text(struct inbox *in, char **ret_text, size_t *ret_len, struct err *err)
{
    static const char padding[JSON_PADDING];
    size_t len = in->text.len;

    buf_add(&in->text, padding, sizeof padding);
    if (charge(in, err) < 0)
        return -1;
    *ret_text = in->text.data;
    *ret_len = len;
    return 0;
}

void inbox_clear(struct inbox *in)
{
    size_t max = in->text.max;

    if (!in->scenes)
        return;
    buf_clear(&in->text);
    in->text = BUF(max);
    atomic_fetch_sub(&in->scenes->charged, in->charged);
    in->charged = 0;
}
