#include "api/idempotent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

struct key_table {
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct keyed *held; /* as many as uploads are on their way: few enough to look at all of them */
};

struct key_table *key_table_new(void)
{
    struct key_table *t = mem_alloc(sizeof *t);

    pthread_mutex_init(&t->lock, NULL);
    return t;
}

struct key_table *key_table_free(struct key_table *t)
{
    if (t)
        pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}

/* ---- the header ---- */

bool idempotency_key_parse(const char *value, char ret_key[IDEMPOTENCY_KEY_TEXT])
{
    bool quoted = *value == '"', open = quoted;
    size_t n = 0;

    for (value += quoted; *value && (!quoted || *value != '"'); value++) {
        if (quoted && *value == '\\' && *++value != '"' && *value != '\\')
            return false;
        if (*value <= ' ' || *value > '~' || n == IDEMPOTENCY_KEY_TEXT - 1)
            return false;
        ret_key[n++] = *value;
    }
    if (quoted && *value == '"') {
        open = false;
        value++;
    }
    ret_key[n] = '\0';
    return n > 0 && !open && !*value;
}

/* ---- the fingerprint: names before, contents behind their length, so that other requests have other bytes
 * ---- */

static void add(struct keyed *k, const char *text)
{
    uint64_t n = text ? strlen(text) + 1 : 0;

    hasher_add(k->hash, bytes_of(&n, sizeof n));
    hasher_add(k->hash, bytes_of(text, n));
}

static void add_parameter(void *arg, const char *name, const char *value)
{
    add(arg, name);
    add(arg, value);
}

void keyed_part(struct keyed *k, const struct part *part)
{
    if (!k->hash)
        return;
    add(k, part->name);
    add(k, part->file_name);
}

void keyed_data(struct keyed *k, struct bytes piece)
{
    if (!k->hash)
        return;
    hasher_add(k->hash, piece);
    k->content += piece.len;
}

void keyed_part_end(struct keyed *k)
{
    if (!k->hash)
        return;
    hasher_add(k->hash, bytes_of(&k->content, sizeof k->content));
    k->content = 0;
}

/* ---- holding ---- */

static bool hold(struct key_table *t, struct keyed *k)
{
    struct keyed *other;

    pthread_mutex_lock(&t->lock);
    for (other = t->held; other; other = other->next)
        if (text_is(other->key, k->key) && text_is(other->tenant, k->tenant))
            break;
    if (!other) {
        k->table = t;
        k->next = t->held;
        t->held = k;
    }
    pthread_mutex_unlock(&t->lock);
    return !other;
}

void keyed_end(struct keyed *k)
{
    struct key_table *t = k->table;
    struct keyed **p;

    hasher_freep(&k->hash);
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    for (p = &t->held; *p != k;)
        p = &(*p)->next;
    *p = k->next;
    pthread_mutex_unlock(&t->lock);
    k->table = NULL;
}

int keyed_begin(struct keyed *k, struct key_table *t, struct request *r, const char *tenant, struct err *err)
{
    const char *value = request_header(r, "Idempotency-Key");

    if (!value)
        return 0;
    k->tenant = tenant;
    if (!idempotency_key_parse(value, k->key)) {
        k->key[0] = '\0';
        return FAIL(err, ERR_INPUT,
                    "an Idempotency-Key has 1 to %d visible ASCII characters, in quotes or bare",
                    IDEMPOTENCY_KEY_TEXT - 1);
    }
    if (!hold(t, k))
        return FAIL(err, ERR_CONFLICT,
                    "a request with this Idempotency-Key is just being read; try again later");
    k->hash = hasher_new();
    add(k, request_method(r));
    add(k, request_path(r));
    request_query_each(r, add_parameter, k);
    add(k, NULL);
    return 0;
}

enum key_verdict keyed_look(struct keyed *k, struct records *db, struct key_use *ret_use, struct err *err)
{
    struct err why = {0};

    if (!k->hash)
        return KEY_NEW;
    hasher_hex(k->hash, k->fingerprint);
    if (records_find_key_use(db, k->tenant, k->key, clock_wall_us(), ret_use, &why) == 0)
        return text_is(ret_use->fingerprint, k->fingerprint) ? KEY_REPLAY : KEY_OTHER;
    if (why.kind == ERR_NOT_FOUND)
        return KEY_NEW;
    *err = why;
    return KEY_ERROR;
}
