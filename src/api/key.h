/* API keys: who is asking, what may they do, how often.
 *
 * A key is "ak_" (or "ei_", for clients of the impulse API, which insist on it) and 40 hex digits, 160 random
 * bits, shown once at `assay key new`; only its SHA-256 is
 * stored, and hashes are compared in constant time. Looked-up keys are remembered for a second, so a revoked
 * key works for at most one second longer. During a rotation a key has two secrets; both count as one key.
 *
 * A scope is a verb, "submit", "read" or "admin", for every API, or with one in front for that alone:
 * "alarm:submit", "native:read".
 *
 * The gate also counts for the tenant's quotas (api/quota.h). Thread safe. */
#ifndef ASSAY_API_KEY_H
#define ASSAY_API_KEY_H

#include "net/server.h"
#include "store/records.h"

enum { KEY_TEXT = 44, TENANT_MAX = 64, SCOPES_MAX = 256 };

bool tenant_is_valid(const char *tenant);
/* A new secret: its text and the hash to store. */
enum key_style { KEY_ASSAY, KEY_IMPULSE };
void key_secret(enum key_style style, char ret_key[KEY_TEXT], char ret_hash[HASH_HEX]);
/* Makes a new key's text and the row to store for it. Scopes: words as above. */
struct key_order {
    const char *tenant, *scopes;
    enum key_style style;
};
int key_make(const struct key_order *order, char ret_key[KEY_TEXT], struct key_row *ret_row, struct err *err);

struct caller {
    const char *dialect; /* the API it came by */
    char tenant[TENANT_MAX];
    char key_id[ID_TEXT];
    char scopes[SCOPES_MAX];
    bool lacks_scope; /* refused for it: the key is good */
    /* Rate limit of the key after this request, limit 0 = off; after a refusal the limit which it met. */
    int64_t limit, remaining, reset_seconds;
    bool over_rate;   /* refused for it */
    int64_t max_jobs; /* not finished, of the tenant; 0 = no limit */
};

/* In the API it came by. */
bool caller_may(const struct caller *caller, const char *scope);

struct gate;
/* Becomes the meter of the records, so it must be freed after them. */
struct gate *gate_new(struct records *db);
struct gate *gate_free(struct gate *g);

/* What a request wants: a verb of that API; NULL: any scope there. */
struct need {
    const char *dialect, *scope;
    bool tokens; /* the key may also come as "X-Jwt-Token" or in the cookie "jwt" */
};
/* The key in a request, NULL: there is none. */
const char *key_presented(struct request *r, bool tokens);

/* Who sent this request: "Authorization: Bearer KEY" or "X-Api-Key: KEY". ERR_DENIED without a key, with a
 * wrong, expired or revoked one or one without the scope; ERR_BUSY over the key's rate, ERR_QUOTA over the
 * tenant's quota (the caller is filled in these three cases, too). Counts the request, and its body: all of
 * it when its length was announced or it is there already. */
int gate_enter(struct gate *g, struct request *r, const struct need *need, struct caller *ret_caller,
               struct err *err);
/* A piece of a body whose length nobody announced. ERR_QUOTA; then the caller is filled as above. */
int gate_more(struct gate *g, struct request *r, struct caller *caller, size_t bytes, struct err *err);
/* A piece of a file that is fetched for a tenant: it counts like one that is uploaded. ERR_QUOTA. */
int gate_fetched(struct gate *g, const char *tenant, size_t bytes, struct err *err);

#endif
