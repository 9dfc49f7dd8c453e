/* How a delivery proves where it comes from. Two ways at once, over the same bytes:
 *
 *   X-Webhook-Signature: sha256=HEX      HMAC-SHA256 of the body; key: the text of the secret. On request HEX
 * alone
 *   webhook-id, webhook-timestamp, webhook-signature: v1,BASE64 [v1,BASE64]      Standard Webhooks 1.0.0:
 * HMAC-SHA256 of id.timestamp.body; key: what a whsec_ secret encodes, else its text; one signature for each
 * live secret
 *
 * Without a secret the delivery is unsigned, id and timestamp are there anyway. Pure. */
#ifndef ASSAY_HOOK_SIGN_H
#define ASSAY_HOOK_SIGN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct signing {
    const char *id;
    int64_t timestamp_s;
    struct bytes body;
    const char *secret, *old_secret; /* NULL = none; the old one only together with a present one */
    bool bare_hex;                   /* X-Webhook-Signature without "sha256=" */
};
enum { SIGN_HEADERS = 4 };
/* "name: value", NULL-terminated, in the arena. */
void sign_headers(struct arena *a, const struct signing *s, const char *ret_headers[SIGN_HEADERS + 1]);

enum { SECRET_MAX = 256, SECRET_TEXT = 64 };
/* 8 to SECRET_MAX printable characters; what begins with whsec_ must go on with base64 of 24 to 64 bytes.
 * ERR_INPUT. */
int secret_check(const char *secret, struct err *err);
/* A new one: whsec_ and 32 random bytes. */
void secret_new(char ret[SECRET_TEXT]);

#endif
