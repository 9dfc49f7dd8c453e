/* A manifest store of anybody: every box lies inside its parent, behind its elder brother, and a reference to
 * what has a name of its own finds it. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "c2pa/jumbf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(struct bytes in, struct bytes out)
{
    return in.data >= out.data && in.data + in.len <= out.data + out.len;
}

static void check(const struct jumbf_box *b)
{
    must_be(is_inside(b->body, b->raw) && is_inside(b->raw, b->parent->body));
    must_be(!b->next || b->next->raw.data == b->raw.data + b->raw.len);
    must_be(b->next || b == b->parent->last);
    must_be(b->salt.len == 0 || is_inside(b->salt, b->body));
    must_be(!b->label || is_inside(bytes_of(b->label, strlen(b->label)), b->body) || !b->label[0]);
}

/* References of one step from the store, written with what is there. */
static void refer(struct arena *a, const struct jumbf_box *root)
{
    int left = 16;

    for (const struct jumbf_box *b = root->first; b && left > 0; b = b->next, left--) {
        const struct jumbf_box *hit;

        if (!b->label)
            continue;
        hit = jumbf_find(root, root, arena_printf(a, "self#jumbf=%s", b->label));
        must_be(!hit || hit->raw.len > 0);
        hit = jumbf_child(root, b->label);
        must_be(!hit || hit == b || strcmp(hit->label, b->label) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct jumbf_box *root, *b;
    struct err err = {0};

    jumbf_is_store(bytes_of(data, n));
    if (jumbf_read(a, bytes_of(data, n), &root, &err) < 0) {
        must_be(err.text[0] && (err.kind == ERR_DECODE || err.kind == ERR_LIMIT));
        return 0;
    }
    must_be(!root->parent && !root->next && root->raw.len <= n);
    for (b = root; b;) {
        if (b != root)
            check(b);
        if (b->first) {
            b = b->first;
            continue;
        }
        while (b && !b->next)
            b = b->parent;
        b = b ? b->next : NULL;
    }
    refer(a, root);
    return 0;
}
