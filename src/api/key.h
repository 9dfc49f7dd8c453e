/* API keys: who is asking, what may they do, how often.
 *
 * A key is "ak_" and 40 hex digits, 160 random bits, shown once at `assay key new`; only its SHA-256 is
 * stored. Looked-up keys are remembered for a second, so a revoked key works for at most one second longer.
 * Thread safe. */
#ifndef ASSAY_API_KEY_H
#define ASSAY_API_KEY_H

#include "net/server.h"
#include "store/records.h"

enum { KEY_TEXT = 44, TENANT_MAX = 64 };

bool tenant_is_valid(const char *tenant);
/* Makes a new key's text and the row to store for it. Scopes: words of "submit read admin". */
int key_make(const char *tenant, const char *scopes, char ret_key[KEY_TEXT], struct key_row *ret_row,
             struct err *err);

struct caller {
    char tenant[TENANT_MAX];
    char key_id[ID_TEXT];
    char scopes[64];
    /* Rate limit of the key after this request; limit 0 = off. */
    int limit, remaining, reset_seconds;
    bool over_rate; /* refused for it */
};

bool caller_may(const struct caller *caller, const char *scope);

struct gate;
struct gate *gate_new(struct records *db);
struct gate *gate_free(struct gate *g);

/* Who sent this request: "Authorization: Bearer KEY" or "X-Api-Key: KEY". ERR_DENIED without a key, with a
 * wrong, expired or revoked one or one without the scope; ERR_BUSY over the key's rate (the caller is filled
 * then, too). Counts the request.
 * scope NULL: any valid key. */
int gate_enter(struct gate *g, struct request *r, const char *scope, struct caller *ret_caller,
               struct err *err);

#endif
