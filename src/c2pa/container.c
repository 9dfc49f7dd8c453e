#include "c2pa/container.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "c2pa/container_int.h"

static const struct container *const containers[] = {
    &container_jpeg, &container_png, &container_riff, &container_bmff,
    &container_tiff, &container_id3, &container_pdf,
};

static int read_bytes(void *self, uint64_t at, void *to, size_t n, struct err *err)
{
    const struct bytes *b = self;
    uint64_t end;

    if (ckd_add(&end, at, n) || end > b->len)
        return FAIL(err, ERR_INTERNAL, "A read beyond the end of the bytes.");
    memcpy(to, b->data + at, n);
    return 0;
}

struct source source_of_bytes(struct bytes *b)
{
    return (struct source){read_bytes, b, b->len};
}

static int read_fd(void *self, uint64_t at, void *to, size_t n, struct err *err)
{
    uint8_t *p = to;

    while (n > 0) {
        ssize_t got = pread(*(int *)self, p, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL_ERRNO(err, "Cannot read the file");
        if (got == 0)
            return FAIL(err, ERR_IO, "The file became shorter while it was read.");
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return 0;
}

struct source source_of_fd(int *fd, uint64_t size)
{
    return (struct source){read_fd, fd, size};
}

static bool is_inside(const struct source *s, uint64_t at, uint64_t n)
{
    uint64_t end;

    return !ckd_add(&end, at, n) && end <= s->size;
}

/* Makes the bytes from `at` on the near ones. */
static int come_near(struct find *f, uint64_t at, struct err *err)
{
    uint64_t left = f->s->size - at;

    f->near_at = at;
    f->near_len = 0;
    if (f->s->read(f->s->self, at, f->near, left < FIND_NEAR ? (size_t)left : FIND_NEAR, err) < 0)
        return -1;
    f->near_len = left < FIND_NEAR ? (size_t)left : FIND_NEAR;
    return 0;
}

int find_read(struct find *f, uint64_t at, void *to, size_t n, struct err *err)
{
    if (!is_inside(f->s, at, n))
        return 0;
    if (n > FIND_NEAR)
        return f->s->read(f->s->self, at, to, n, err) < 0 ? -1 : 1;
    if ((at < f->near_at || at + n > f->near_at + f->near_len) && come_near(f, at, err) < 0)
        return -1;
    memcpy(to, f->near + (at - f->near_at), n);
    return 1;
}

int find_step(struct find *f, struct err *err)
{
    if (++f->steps > CONTAINER_MAX_STEPS)
        return FAIL(err, ERR_LIMIT, "The search for a manifest store ended after %d parts of the file.",
                    CONTAINER_MAX_STEPS);
    return 0;
}

int find_piece(struct find *f, uint64_t at, uint64_t len, struct err *err)
{
    if (!is_inside(f->s, at, len))
        return FAIL(err, ERR_DECODE, "The file ends inside its manifest store.");
    ARENA_PUSH(f->a, f->pieces, f->n, f->cap) = (struct extent){at, len};
    return 0;
}

int find_whole(struct find *f, uint64_t at, uint64_t len, struct err *err)
{
    if (f->n > 0)
        return FAIL(err, ERR_DECODE, "The file has more than one manifest store.");
    return find_piece(f, at, len, err);
}

uint64_t find_big(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint64_t find_little(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* Fetches the pieces one behind the other. */
static int join(const struct find *f, struct bytes *ret, struct err *err)
{
    uint64_t total = 0;
    uint8_t *to;

    for (size_t i = 0; i < f->n; i++)
        if (ckd_add(&total, total, f->pieces[i].len) || total > CONTAINER_MAX_STORE)
            return FAIL(err, ERR_LIMIT, "The manifest store is larger than %d MB.",
                        CONTAINER_MAX_STORE >> 20);
    if (total == 0)
        return FAIL(err, ERR_DECODE, "The manifest store is empty.");
    if (!(to = arena_try(f->a, (size_t)total)))
        return FAIL(err, ERR_LIMIT, "There is no memory for a manifest store of %zu bytes.", (size_t)total);
    *ret = bytes_of(to, (size_t)total);
    for (size_t i = 0; i < f->n; i++) {
        if (f->s->read(f->s->self, f->pieces[i].at, to, (size_t)f->pieces[i].len, err) < 0)
            return -1;
        to += f->pieces[i].len;
    }
    return 0;
}

/* The row for this file; NULL when it is of no kind we know. *ret_failed: reading failed. */
static const struct container *kind_of(struct find *f, bool *ret_failed, struct err *err)
{
    uint8_t first[CONTAINER_FIRST];
    size_t n = f->s->size < sizeof first ? (size_t)f->s->size : sizeof first;

    *ret_failed = find_read(f, 0, first, n, err) < 0;
    for (size_t i = 0; !*ret_failed && i < COUNT_OF(containers); i++)
        if (containers[i]->is(bytes_of(first, n)))
            return containers[i];
    return NULL;
}

int container_find(struct arena *a, const struct source *s, struct container_store *ret, struct err *err)
{
    struct find f = {.a = a, .s = s};
    struct container_store found = {0};
    const struct container *c;
    bool failed;

    c = kind_of(&f, &failed, err);
    if (failed)
        return -1;
    if (c) {
        found.container = c->name;
        if (c->find(&f, err) < 0)
            return -1;
    }
    if (f.n > 0 && join(&f, &found.bytes, err) < 0)
        return -1;
    found.pieces = f.pieces;
    found.npieces = f.n;
    *ret = found;
    return f.n > 0;
}
