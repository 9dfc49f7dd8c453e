#include "api/key.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "api/quota.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { SLOTS = 1024, KEY_RANDOM = 20, FRESH_US = 1000000, WINDOW_US = 60000000, WINDOWS = 256 };

/* One remembered secret. Slots are picked by the first bytes of the hash; a collision just costs a look-up.
 */
struct slot {
    uint8_t hash[HASH_SIZE];
    bool known;      /* false: the store has no such key */
    int64_t read_us; /* monotonic time of the look-up; 0 = empty */
    char id[ID_TEXT], tenant[TENANT_MAX], scopes[SCOPES_MAX];
    int64_t expires_us, revoked_us;
    int rate;
};

/* The present minute of a key with a rate, whichever of its secrets it comes with. As many as such keys. */
struct window {
    struct window *chain;
    char id[ID_TEXT];
    int64_t begun_us; /* monotonic */
    int used;
};

struct gate {
    struct records *db;
    pthread_mutex_t lock;
    /* --- guarded by lock --- */
    struct hasher *hasher;
    struct quotas *quotas;
    struct slot slots[SLOTS];
    struct window *windows[WINDOWS];
};

/* ---- scopes ---- */

static bool is_verb(const char *s, size_t n)
{
    static const char *const verbs[] = {"submit", "read", "admin"};

    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (strlen(verbs[i]) == n && strncmp(verbs[i], s, n) == 0)
            return true;
    return false;
}

static bool is_scope(const char *s, size_t n)
{
    const char *colon = memchr(s, ':', n);
    char dialect[32];

    if (!colon)
        return is_verb(s, n);
    if ((size_t)(colon - s) >= sizeof dialect)
        return false;
    memcpy(dialect, s, (size_t)(colon - s));
    dialect[colon - s] = '\0';
    return dialect_find(dialect) && is_verb(colon + 1, n - (size_t)(colon + 1 - s));
}

static int check_scopes(const char *scopes, struct err *err)
{
    size_t n;

    if (strlen(scopes) >= SCOPES_MAX)
        return FAIL(err, ERR_INPUT, "the scopes of a key have at most %d characters", SCOPES_MAX - 1);
    if (!scopes[strspn(scopes, " ")])
        return FAIL(err, ERR_INPUT, "a key needs a scope: submit, read or admin");
    for (const char *s = scopes + strspn(scopes, " "); *s; s += n + strspn(s + n, " ")) {
        n = strcspn(s, " ");
        if (!is_scope(s, n))
            return FAIL(err, ERR_INPUT,
                        "'%.*s' is no scope; there are submit, read and admin, each alone for every API or "
                        "behind the name of one: alarm:submit, native:read",
                        (int)(n < 40 ? n : 40), s);
    }
    return 0;
}

/* Whether the word gives the verb (NULL: any) for the API. */
static bool word_gives(const char *word, size_t n, const struct need *need)
{
    const char *colon = memchr(word, ':', n), *verb = colon ? colon + 1 : word;
    size_t len = n - (size_t)(verb - word);

    if (colon && (strlen(need->dialect) != (size_t)(colon - word) ||
                  strncmp(word, need->dialect, (size_t)(colon - word)) != 0))
        return false;
    return !need->scope || (strlen(need->scope) == len && strncmp(verb, need->scope, len) == 0);
}

static bool has_scope(const char *scopes, const struct need *need)
{
    size_t n;

    for (const char *s = scopes + strspn(scopes, " "); *s; s += n + strspn(s + n, " ")) {
        n = strcspn(s, " ");
        if (word_gives(s, n, need))
            return true;
    }
    return false;
}

bool caller_may(const struct caller *caller, const char *scope)
{
    return has_scope(caller->scopes, &(struct need){.dialect = caller->dialect, .scope = scope});
}

/* ---- making ---- */

bool tenant_is_valid(const char *tenant)
{
    size_t n = strspn(tenant, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    /* ".." is a name that means something elsewhere, and "-x" an option. */
    return n > 0 && n < TENANT_MAX && tenant[n] == '\0' && !strchr(".-", *tenant);
}

void key_secret(enum key_style style, char ret_key[KEY_TEXT], char ret_hash[HASH_HEX])
{
    uint8_t raw[KEY_RANDOM];

    hash_random(raw, sizeof raw);
    memcpy(ret_key, style == KEY_IMPULSE ? "ei_" : "ak_", 3);
    text_hex(ret_key + 3, raw, sizeof raw);
    hash_hex(bytes_of(ret_key, strlen(ret_key)), ret_hash);
}

int key_make(const struct key_order *order, char ret_key[KEY_TEXT], struct key_row *ret_row, struct err *err)
{
    if (!tenant_is_valid(order->tenant))
        return FAIL(err, ERR_INPUT,
                    "a tenant's name has 1 to %d letters, digits, '-', '_' or '.', and begins with none of "
                    "'-' and '.'",
                    TENANT_MAX - 1);
    if (check_scopes(order->scopes, err) < 0)
        return -1;
    *ret_row =
        (struct key_row){.tenant = order->tenant, .scopes = order->scopes, .created_us = clock_wall_us()};
    id_new(ret_row->id, ret_row->created_us);
    key_secret(order->style, ret_key, ret_row->hash);
    return 0;
}

/* ---- the gate ---- */

/* Writer thread. */
static void meter_take(void *arg, struct arena *a, struct usage_batch *ret)
{
    struct gate *g = arg;

    pthread_mutex_lock(&g->lock);
    quotas_take(g->quotas, a, ret);
    pthread_mutex_unlock(&g->lock);
}

static void meter_taken(void *arg, bool kept)
{
    struct gate *g = arg;

    pthread_mutex_lock(&g->lock);
    quotas_taken(g->quotas, kept);
    pthread_mutex_unlock(&g->lock);
}

struct gate *gate_new(struct records *db)
{
    struct gate *g = mem_alloc(sizeof *g);

    g->db = db;
    g->hasher = hasher_new();
    g->quotas = quotas_new(db);
    pthread_mutex_init(&g->lock, NULL);
    records_set_meter(db, &(struct meter){meter_take, meter_taken, g});
    return g;
}

struct gate *gate_free(struct gate *g)
{
    if (!g)
        return NULL;
    for (size_t i = 0; i < WINDOWS; i++)
        for (struct window *w = g->windows[i], *next; w; w = next) {
            next = w->chain;
            free(w);
        }
    hasher_free(g->hasher);
    quotas_free(g->quotas);
    pthread_mutex_destroy(&g->lock);
    free(g);
    return NULL;
}

/* "a=1; jwt=KEY; b=2". In the request's arena; NULL: there is none. */
static const char *cookie(struct request *r, const char *name)
{
    const char *s = request_header(r, "Cookie");
    size_t n = strlen(name);

    while (s) {
        s += strspn(s, " ;");
        if (strncmp(s, name, n) == 0 && s[n] == '=')
            return arena_strndup(request_arena(r), s + n + 1, strcspn(s + n + 1, "; "));
        s = strchr(s, ';');
    }
    return NULL;
}

const char *key_presented(struct request *r, bool tokens)
{
    const char *value = request_header(r, "Authorization");

    if (value && strncasecmp(value, "Bearer ", 7) == 0)
        return value + 7 + strspn(value + 7, " ");
    value = request_header(r, "X-Api-Key");
    if (!value && tokens)
        value = request_header(r, "X-Jwt-Token");
    return value || !tokens ? value : cookie(r, "jwt");
}

/* Until when this secret of the key is good, 0 = for ever; false: it is none of its secrets any more. */
static bool good_until(const struct key_row *row, const char *hex, int64_t *ret_us)
{
    bool present = hash_equal(row->hash, hex, HASH_HEX), old = hash_equal(row->old_hash, hex, HASH_HEX);

    *ret_us = row->expires_us;
    if (!present && (!row->expires_us || row->old_until_us < row->expires_us))
        *ret_us = row->old_until_us;
    return present || (old && row->old_until_us);
}

/* Reads the key from the store into the slot. */
static int refresh(struct gate *g, struct slot *slot, const uint8_t *hash, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct key_row row;
    struct err why = {0};
    bool found;
    char hex[HASH_HEX];

    text_hex(hex, hash, HASH_SIZE);
    found = records_get_key(g->db, a, hex, &row, &why) == 0;
    if (!found && why.kind != ERR_NOT_FOUND)
        return FAIL(err, why.kind, "%s", why.text);
    *slot = (struct slot){.read_us = clock_mono_us()};
    memcpy(slot->hash, hash, HASH_SIZE);
    if (!found || !good_until(&row, hex, &slot->expires_us))
        return 0;
    slot->known = true;
    memcpy(slot->id, row.id, sizeof slot->id);
    text_copy(slot->tenant, sizeof slot->tenant, row.tenant);
    text_copy(slot->scopes, sizeof slot->scopes, row.scopes);
    slot->revoked_us = row.revoked_us;
    slot->rate = row.rate_per_minute;
    return 0;
}

static int find_slot(struct gate *g, struct bytes key, struct slot **ret, struct err *err)
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
    *ret = slot;
    return 0;
}

static bool is_good(const struct slot *s)
{
    return s->known && !s->revoked_us && (!s->expires_us || s->expires_us > clock_wall_us());
}

static struct window *window_of(struct gate *g, const char *id)
{
    struct window **bucket = &g->windows[hash_crc32(bytes_of(id, strlen(id))) % WINDOWS], *w = *bucket;

    while (w && strcmp(w->id, id) != 0)
        w = w->chain;
    if (w)
        return w;
    w = mem_alloc(sizeof *w);
    text_copy(w->id, sizeof w->id, id);
    w->chain = *bucket;
    return *bucket = w;
}

/* A fixed window of a minute per key; a refused request does not count. */
static int use_rate(struct gate *g, const struct slot *s, struct caller *caller, struct err *err)
{
    int64_t now = clock_mono_us();
    struct window *w;

    if (!s->rate)
        return 0;
    w = window_of(g, s->id);
    if (!w->begun_us || now - w->begun_us >= WINDOW_US) {
        w->begun_us = now;
        w->used = 0;
    }
    caller->over_rate = w->used >= s->rate;
    w->used += !caller->over_rate;
    caller->limit = s->rate;
    caller->remaining = s->rate > w->used ? s->rate - w->used : 0;
    caller->reset_seconds = (w->begun_us + WINDOW_US - now + 999999) / 1000000;
    return caller->over_rate
               ? FAIL(err, ERR_BUSY, "rate limit of %d requests a minute reached; retry in %" PRId64 " s",
                      s->rate, caller->reset_seconds)
               : 0;
}

static int use_quota(struct gate *g, struct caller *caller, const struct usage *more, struct err *err)
{
    struct quota_state state;
    struct err why = {0};

    if (quotas_use(g->quotas, caller->tenant, more, clock_wall_us(), &state, &why) == 0) {
        caller->max_jobs = state.jobs;
        return 0;
    }
    if (why.kind == ERR_QUOTA) {
        caller->over_rate = true;
        caller->limit = state.limit;
        caller->remaining = 0;
        caller->reset_seconds = state.seconds;
    }
    return FAIL(err, why.kind, "%s", why.text);
}

/* Of the body, as far as it is known. */
static int64_t body_bytes(struct request *r)
{
    int64_t announced = request_length(r);

    return announced >= 0 ? announced : (int64_t)request_body(r).len;
}

static int enter_locked(struct gate *g, struct bytes key, const struct need *need, struct caller *ret,
                        struct err *err)
{
    struct slot *slot;

    *ret = (struct caller){.dialect = need->dialect};
    if (find_slot(g, key, &slot, err) < 0)
        return -1;
    if (!is_good(slot))
        return FAIL(err, ERR_DENIED, "this API key is unknown, expired or revoked");
    text_copy(ret->scopes, sizeof ret->scopes, slot->scopes);
    text_copy(ret->tenant, sizeof ret->tenant, slot->tenant);
    memcpy(ret->key_id, slot->id, sizeof ret->key_id);
    ret->lacks_scope = !has_scope(ret->scopes, need);
    if (ret->lacks_scope)
        return FAIL(err, ERR_DENIED, "this API key lacks the scope %s:%s", need->dialect,
                    need->scope ? need->scope : "any");
    return use_rate(g, slot, ret, err);
}

int gate_enter(struct gate *g, struct request *r, const struct need *need, struct caller *ret_caller,
               struct err *err)
{
    const char *key = key_presented(r, need->tokens);
    struct usage more = {1, body_bytes(r)};
    int result;

    *ret_caller = (struct caller){.dialect = need->dialect};
    if (!key || !*key || strlen(key) > 256)
        return FAIL(err, ERR_DENIED, "no API key in the request");
    pthread_mutex_lock(&g->lock);
    result = enter_locked(g, bytes_of(key, strlen(key)), need, ret_caller, err);
    if (result == 0)
        result = use_quota(g, ret_caller, &more, err);
    pthread_mutex_unlock(&g->lock);
    return result;
}

int gate_more(struct gate *g, struct request *r, struct caller *caller, size_t bytes, struct err *err)
{
    struct usage more = {0, (int64_t)bytes};
    int result;

    if (request_length(r) >= 0)
        return 0;
    pthread_mutex_lock(&g->lock);
    result = use_quota(g, caller, &more, err);
    pthread_mutex_unlock(&g->lock);
    return result;
}

int gate_fetched(struct gate *g, const char *tenant, size_t bytes, struct err *err)
{
    struct caller caller = {0};
    struct usage more = {0, (int64_t)bytes};
    int result;

    text_copy(caller.tenant, sizeof caller.tenant, tenant);
    pthread_mutex_lock(&g->lock);
    result = use_quota(g, &caller, &more, err);
    pthread_mutex_unlock(&g->lock);
    return result;
}
