#include "infer/graph_shelf.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "infer/convert.h"

struct place {
    struct graph *graph; /* NULL: free */
    char sha256[HASH_HEX];
    int64_t size;
    uint64_t job, asked; /* when last */
};

struct graph_shelf {
    struct place places[GRAPH_SHELF_PLACES];
    uint64_t job, asked;
};

struct graph_shelf *graph_shelf_new(void)
{
    return mem_alloc(sizeof(struct graph_shelf));
}

static void clear(struct place *p)
{
    graph_freep(&p->graph);
    *p = (struct place){0};
}

void graph_shelf_freep(struct graph_shelf **s)
{
    for (size_t i = 0; *s && i < GRAPH_SHELF_PLACES; i++)
        clear(&(*s)->places[i]);
    freep(s);
}

/* The one that was asked for longest ago; NULL: all are of this job, or free. */
static struct place *oldest(struct graph_shelf *s)
{
    struct place *old = NULL;

    for (size_t i = 0; i < GRAPH_SHELF_PLACES; i++) {
        struct place *p = &s->places[i];
        if (p->graph && p->job != s->job && (!old || p->asked < old->asked))
            old = p;
    }
    return old;
}

static int64_t bytes_kept(const struct graph_shelf *s)
{
    int64_t n = 0;

    for (size_t i = 0; i < GRAPH_SHELF_PLACES; i++)
        n += s->places[i].size;
    return n;
}

void graph_shelf_begin(struct graph_shelf *s)
{
    s->job++;
    for (size_t i = 0; i < GRAPH_SHELF_PLACES; i++)
        if (s->places[i].graph && !*s->places[i].sha256)
            clear(&s->places[i]);
    while (bytes_kept(s) > GRAPH_SHELF_BYTES)
        clear(oldest(s));
}

static struct place *free_place(struct graph_shelf *s)
{
    for (size_t i = 0; i < GRAPH_SHELF_PLACES; i++)
        if (!s->places[i].graph)
            return &s->places[i];
    return oldest(s);
}

static int read_bytes(struct arena *a, int fd, int64_t offset, int64_t size, struct bytes *ret,
                      struct err *err)
{
    char *to;
    ssize_t n;

    if (size > CONVERT_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "a model has at most %d bytes", CONVERT_MAX_BYTES);
    if (!(to = arena_try(a, (size_t)size)))
        return FAIL(err, ERR_LIMIT, "there is no memory for a model of %lld bytes", (long long)size);
    for (int64_t at = 0; at < size; at += n) {
        n = pread(fd, to + at, (size_t)(size - at), (off_t)(offset + at));
        if (n <= 0)
            return FAIL(err, ERR_IO, "the model cannot be read to its end");
    }
    *ret = bytes_of(to, (size_t)size);
    return 0;
}

static int open_file(struct runtime *rt, int fd, int64_t offset, int64_t size, struct graph **ret,
                     struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct imported facts = {0};
    struct bytes file;

    if (read_bytes(a, fd, offset, size, &file, err) < 0)
        return -1;
    if (convert_is_tflite(file) && convert_tflite(a, file, &facts, &file, err) < 0)
        return -1;
    return graph_open(ret, rt, file, err);
}

int graph_shelf_get(struct graph_shelf *s, struct runtime *rt, const char *sha256, int fd, int64_t offset,
                    int64_t size, struct graph **ret_graph, struct err *err)
{
    struct place *place = NULL;

    for (size_t i = 0; *sha256 && i < GRAPH_SHELF_PLACES; i++)
        if (s->places[i].graph && text_is(s->places[i].sha256, sha256))
            place = &s->places[i];
    if (!place) {
        struct graph *graph;
        if (!(place = free_place(s)))
            return FAIL(err, ERR_LIMIT, "a job has at most %d models", GRAPH_SHELF_PLACES);
        if (open_file(rt, fd, offset, size, &graph, err) < 0)
            return -1;
        clear(place);
        place->graph = graph;
        place->size = size;
        text_copy(place->sha256, sizeof place->sha256, sha256);
    }
    place->job = s->job;
    place->asked = ++s->asked;
    *ret_graph = place->graph;
    return 0;
}
