#include "power/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { SECTOR = 512, NAMES = 512, NODES = 4096 };

struct node {
    bool folder;
    enum tape_kind kind;
    /* what is certain */
    uint8_t *data;
    size_t len, cap;
    struct entry {
        char name[TAPE_NAME];
        int node;
    } * entries;
    size_t nentries;
    /* what is not, in order */
    const struct tape_event **pending;
    size_t npending, room;
};

struct disk {
    const struct tape *tape;
    enum tape_kind lying_about;
    size_t at;
    struct node *nodes;
};

uint64_t power_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- one event arrives ---- */

static void set_length(struct node *n, size_t len)
{
    if (len > n->cap) {
        n->cap = 2 * len;
        n->data = mem_resize(n->data, n->cap, 1);
    }
    if (len > n->len)
        memset(n->data + n->len, 0, len - n->len);
    n->len = len;
}

static void put(struct node *n, size_t at, const uint8_t *data, size_t len)
{
    if (at + len > n->len)
        set_length(n, at + len);
    memcpy(n->data + at, data, len);
}

static void drop_name(struct node *n, const char *name)
{
    for (size_t i = 0; i < n->nentries; i++)
        if (strcmp(n->entries[i].name, name) == 0)
            n->entries[i] = n->entries[--n->nentries];
}

static void arrive(struct node *n, const struct tape_event *e)
{
    if (e->what == TAPE_WRITE) {
        put(n, (size_t)e->at, e->data, e->len);
    } else if (e->what == TAPE_TRUNCATE) {
        set_length(n, (size_t)e->at);
    } else {
        drop_name(n, e->name);
        if (e->what == TAPE_UNLINK)
            return;
        n->entries = n->entries ? n->entries : mem_alloc(NAMES * sizeof *n->entries);
        if (n->nentries == NAMES)
            abort();
        text_copy(n->entries[n->nentries].name, TAPE_NAME, e->name);
        n->entries[n->nentries++].node = e->target;
    }
}

/* ---- time ---- */

struct disk *disk_new(const struct tape *tape, enum tape_kind lying_about)
{
    struct disk *d = mem_alloc(sizeof *d);

    *d = (struct disk){.tape = tape, .lying_about = lying_about};
    d->nodes = mem_alloc(NODES * sizeof *d->nodes);
    d->nodes[0] = (struct node){.folder = true, .kind = KIND_ROOT};
    return d;
}

void disk_free(struct disk *d)
{
    for (int i = 0; i < NODES; i++) {
        free(d->nodes[i].data);
        free(d->nodes[i].entries);
        free(d->nodes[i].pending);
    }
    free(d->nodes);
    free(d);
}

static void sync_node(struct node *n)
{
    for (size_t i = 0; i < n->npending; i++)
        arrive(n, n->pending[i]);
    n->npending = 0;
}

static void happen(struct disk *d, const struct tape_event *e)
{
    struct node *n = &d->nodes[e->node];

    if (e->what == TAPE_NODE) {
        *n = (struct node){.folder = e->folder, .kind = e->kind};
    } else if (e->what == TAPE_SYNC) {
        if (n->kind != d->lying_about)
            sync_node(n);
    } else {
        if (n->npending == n->room) {
            n->room = n->room ? 2 * n->room : 64;
            n->pending = mem_resize(n->pending, n->room, sizeof *n->pending);
        }
        n->pending[n->npending++] = e;
    }
}

void disk_run(struct disk *d, size_t until)
{
    for (; d->at < until && d->at < d->tape->n; d->at++)
        happen(d, &d->tape->events[d->at]);
}

/* ---- the end of it ---- */

struct failure {
    struct disk *disk;
    uint64_t *random;
    uint64_t quarters; /* of four things that are not certain, so many have arrived */
};

static bool has_arrived(struct failure *f)
{
    return power_random(f->random) % 4 < f->quarters;
}

static void tear(struct failure *f, struct node *n, const struct tape_event *e)
{
    for (size_t from = 0, to; from < e->len; from = to) {
        to = from + SECTOR - ((size_t)e->at + from) % SECTOR;
        to = to < e->len ? to : e->len;
        if (has_arrived(f))
            put(n, (size_t)e->at + from, e->data + from, to - from);
    }
}

/* A copy of the node as it is found. */
static struct node found(struct failure *f, const struct node *n)
{
    struct node copy = {.folder = n->folder};

    if (n->len)
        put(&copy, 0, n->data, n->len);
    if (n->nentries) {
        copy.entries = mem_alloc(NAMES * sizeof *copy.entries);
        memcpy(copy.entries, n->entries, n->nentries * sizeof *copy.entries);
        copy.nentries = n->nentries;
    }
    for (size_t i = 0; i < n->npending; i++)
        if (n->pending[i]->what == TAPE_WRITE)
            tear(f, &copy, n->pending[i]);
        else if (has_arrived(f))
            arrive(&copy, n->pending[i]);
    return copy;
}

static void make_file(int at, const char *name, const struct node *n)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || (n->len && write(fd, n->data, n->len) != (ssize_t)n->len))
        abort();
    close(fd);
}

static void make(struct failure *f, int at, const char *name, int node)
{
    struct node n = found(f, &f->disk->nodes[node]);
    int fd;

    if (!n.folder) {
        make_file(at, name, &n);
    } else {
        if (strcmp(name, ".") != 0 && mkdirat(at, name, 0700) < 0)
            abort();
        fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < n.nentries; i++)
            make(f, fd, n.entries[i].name, n.entries[i].node);
        close(fd);
    }
    free(n.data);
    free(n.entries);
}

void disk_fail(struct disk *d, const char *folder, uint64_t *random)
{
    struct failure f = {d, random, power_random(random) % 5};
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        abort();
    make(&f, fd, ".", 0);
    close(fd);
}
