#include "api/key.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { SLOTS = 1024, KEY_RANDOM = 20, FRESH_US = 1000000, WINDOW_US = 60000000 };

/* One remembered key. Slots are picked by the first bytes of the hash; a collision just costs a look-up. */
struct slot {
    uint8_t hash[HASH_SIZE];
    bool known;      /* false: the store has no such key */
    int64_t read_us; /* monotonic time of the look-up; 0 = empty */
    char id[ID_TEXT], tenant[TENANT_MAX], scopes[64];
    int64_t expires_us, revoked_us;
    int rate;
    int64_t window_us; /* monotonic start of the current minute */
    int used;
};

struct gate {
    struct records *db;
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct hasher *hasher;
    struct slot slots[SLOTS];
};

static bool scopes_valid(const char *scopes)
{
    static const char *const words[] = {"submit", "read", "admin"};
    const char *s = scopes;

    while (*s) {
        size_t n = strcspn(s, " "), known = 0;
        for (size_t i = 0; i < COUNT_OF(words); i++)
            known += strlen(words[i]) == n && strncmp(words[i], s, n) == 0;
        if (!known)
            return false;
        s += n;
        s += strspn(s, " ");
    }
    return *scopes != '\0';
}

bool tenant_is_valid(const char *tenant)
{
    size_t n = strspn(tenant, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    return n > 0 && n < TENANT_MAX && tenant[n] == '\0';
}

int key_make(const char *tenant, const char *scopes, char ret_key[KEY_TEXT], struct key_row *ret_row,
             struct err *err)
{
    uint8_t raw[KEY_RANDOM];

    if (!tenant_is_valid(tenant))
        return FAIL(err, ERR_INPUT, "a tenant's name has 1 to %d letters, digits, '-', '_' or '.'",
                    TENANT_MAX - 1);
    if (!scopes_valid(scopes))
        return FAIL(err, ERR_INPUT, "scopes are words of: submit read admin");
    hash_random(raw, sizeof raw);
    memcpy(ret_key, "ak_", 3);
    text_hex(ret_key + 3, raw, sizeof raw);
    *ret_row = (struct key_row){.tenant = tenant, .scopes = scopes, .created_us = clock_wall_us()};
    id_new(ret_row->id, ret_row->created_us);
    hash_hex(bytes_of(ret_key, strlen(ret_key)), ret_row->hash);
    return 0;
}

struct gate *gate_new(struct records *db)
{
    struct gate *g = mem_alloc(sizeof *g);

    g->db = db;
    g->hasher = hasher_new();
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

struct gate *gate_free(struct gate *g)
{
    if (g) {
        hasher_free(g->hasher);
        pthread_mutex_destroy(&g->lock);
    }
    free(g);
    return NULL;
}

/* The key's text in the request, or NULL. */
static const char *presented(struct request *r)
{
    const char *value = request_header(r, "Authorization");

    if (value && strncasecmp(value, "Bearer ", 7) == 0)
        return value + 7 + strspn(value + 7, " ");
    return request_header(r, "X-Api-Key");
}

static bool has_scope(const char *scopes, const char *scope)
{
    size_t n = strlen(scope);

    for (const char *s = strstr(scopes, scope); s; s = strstr(s + 1, scope))
        if ((s == scopes || s[-1] == ' ') && (s[n] == '\0' || s[n] == ' '))
            return true;
    return false;
}

/* Reads the key from the store into the slot; keeps the rate window when it is the same key. */
static int refresh(struct gate *g, struct slot *slot, const uint8_t *hash, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct key_row row;
    struct err why = {0};
    bool same = slot->read_us && hash_equal(slot->hash, hash, HASH_SIZE), found;
    char hex[HASH_HEX];

    text_hex(hex, hash, HASH_SIZE);
    found = records_get_key(g->db, a, hex, &row, &why) == 0;
    if (!found && why.kind != ERR_NOT_FOUND)
        return FAIL(err, why.kind, "%s", why.text);
    if (!same)
        *slot = (struct slot){0};
    memcpy(slot->hash, hash, HASH_SIZE);
    slot->read_us = clock_mono_us();
    slot->known = found;
    if (!found)
        return 0;
    memcpy(slot->id, row.id, sizeof slot->id);
    text_copy(slot->tenant, sizeof slot->tenant, row.tenant);
    text_copy(slot->scopes, sizeof slot->scopes, row.scopes);
    slot->expires_us = row.expires_us;
    slot->revoked_us = row.revoked_us;
    slot->rate = row.rate_per_minute;
    return 0;
}

static bool usable(const struct slot *s, const char *scope)
{
    return s->known && !s->revoked_us && (!s->expires_us || s->expires_us > clock_wall_us()) &&
           (!scope || has_scope(s->scopes, scope));
}

bool caller_may(const struct caller *caller, const char *scope)
{
    return has_scope(caller->scopes, scope);
}

/* A fixed window of a minute per key; a refused request does not count. */
static bool within_rate(struct slot *s, struct caller *caller)
{
    int64_t now = clock_mono_us();
    bool ok;

    if (!s->rate)
        return true;
    if (!s->window_us || now - s->window_us >= WINDOW_US) {
        s->window_us = now;
        s->used = 0;
    }
    ok = s->used < s->rate;
    s->used += ok;
    caller->limit = s->rate;
    caller->remaining = s->rate - s->used;
    caller->reset_seconds = (int)((s->window_us + WINDOW_US - now + 999999) / 1000000);
    return ok;
}

static int enter_locked(struct gate *g, struct bytes key, const char *scope, struct caller *ret,
                        struct err *err)
{
    uint8_t hash[HASH_SIZE];
    struct slot *slot;

    hasher_add(g->hasher, key);
    hasher_sum(g->hasher, hash);
    slot = &g->slots[(hash[0] << 8 | hash[1]) % SLOTS];
    if (!slot->read_us || !hash_equal(slot->hash, hash, HASH_SIZE) ||
        clock_mono_us() - slot->read_us > FRESH_US)
        if (refresh(g, slot, hash, err) < 0)
            return -1;
    if (!usable(slot, scope))
        return FAIL(err, ERR_DENIED, "this API key is unknown, expired, revoked%s%s",
                    scope ? " or lacks the scope " : "", scope ? scope : "");
    *ret = (struct caller){0};
    text_copy(ret->scopes, sizeof ret->scopes, slot->scopes);
    text_copy(ret->tenant, sizeof ret->tenant, slot->tenant);
    memcpy(ret->key_id, slot->id, sizeof ret->key_id);
    ret->over_rate = !within_rate(slot, ret);
    if (ret->over_rate)
        return FAIL(err, ERR_BUSY, "rate limit of %d requests a minute reached; retry in %d s", slot->rate,
                    ret->reset_seconds);
    return 0;
}

int gate_enter(struct gate *g, struct request *r, const char *scope, struct caller *ret_caller,
               struct err *err)
{
    const char *key = presented(r);
    int result;

    if (!key || !*key || strlen(key) > 256)
        return FAIL(err, ERR_DENIED, "no API key in the request");
    pthread_mutex_lock(&g->lock);
    result = enter_locked(g, bytes_of(key, strlen(key)), scope, ret_caller, err);
    pthread_mutex_unlock(&g->lock);
    return result;
}
