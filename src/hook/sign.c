#include "hook/sign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"

static const char prefix[] = "whsec_";

enum { KEY_MIN = 24, KEY_MAX = 64, SECRET_MIN = 8 };

/* Number of bytes, -1 when it is no padded base64 or longer than KEY_MAX. */
static int unbase64(const char *text, uint8_t ret[KEY_MAX])
{
    size_t n = strlen(text);
    char room[SECRET_MAX];
    struct bytes key;

    if (n == 0 || n % 4 || n > sizeof room)
        return -1;
    memcpy(room, text, n);
    if (!base64_decode(room, n, &key) || key.len > KEY_MAX)
        return -1;
    memcpy(ret, key.data, key.len);
    return (int)key.len;
}

/* The key of the Standard Webhooks signature. */
static struct bytes key_of(const char *secret, uint8_t room[KEY_MAX])
{
    int n = text_starts(secret, prefix) ? unbase64(secret + strlen(prefix), room) : -1;

    return n >= 0 ? bytes_of(room, (size_t)n) : bytes_of(secret, strlen(secret));
}

static const char *signature(struct arena *a, const char *secret, struct bytes message)
{
    uint8_t room[KEY_MAX], mac[HASH_SIZE];

    hash_hmac(key_of(secret, room), message, mac);
    return arena_printf(a, "v1,%s", base64_encode(a, bytes_of(mac, sizeof mac)));
}

static const char *standard_header(struct arena *a, const struct signing *s)
{
    struct buf message = BUF(SIZE_MAX / 2);
    const char *first, *second = NULL;

    buf_printf(&message, "%s.%" PRId64 ".", s->id, s->timestamp_s);
    buf_add(&message, s->body.data, s->body.len);
    first = signature(a, s->secret, buf_bytes(&message));
    if (s->old_secret)
        second = signature(a, s->old_secret, buf_bytes(&message));
    buf_clear(&message);
    return arena_printf(a, "webhook-signature: %s%s%s", first, second ? " " : "", second ? second : "");
}

static const char *native_header(struct arena *a, const struct signing *s)
{
    uint8_t mac[HASH_SIZE];
    char hex[HASH_HEX];

    hash_hmac(bytes_of(s->secret, strlen(s->secret)), s->body, mac);
    text_hex(hex, mac, sizeof mac);
    return arena_printf(a, "X-Webhook-Signature: %s%s", s->bare_hex ? "" : "sha256=", hex);
}

void sign_headers(struct arena *a, const struct signing *s, const char *ret_headers[SIGN_HEADERS + 1])
{
    size_t n = 0;

    ret_headers[n++] = arena_printf(a, "webhook-id: %s", s->id);
    ret_headers[n++] = arena_printf(a, "webhook-timestamp: %" PRId64, s->timestamp_s);
    if (s->secret) {
        ret_headers[n++] = standard_header(a, s);
        ret_headers[n++] = native_header(a, s);
    }
    ret_headers[n] = NULL;
}

/* ---- secrets ---- */

int secret_check(const char *secret, struct err *err)
{
    uint8_t key[KEY_MAX];
    size_t n = strnlen(secret, SECRET_MAX + 1);

    if (n < SECRET_MIN || n > SECRET_MAX)
        return FAIL(err, ERR_INPUT, "a secret has %d to %d characters", SECRET_MIN, SECRET_MAX);
    for (size_t i = 0; i < n; i++)
        if (secret[i] <= ' ' || secret[i] > '~')
            return FAIL(err, ERR_INPUT, "a secret has printable ASCII characters without blanks only");
    if (text_starts(secret, prefix) && unbase64(secret + strlen(prefix), key) < KEY_MIN)
        return FAIL(err, ERR_INPUT, "what follows whsec_ must be base64 of %d to %d bytes", KEY_MIN, KEY_MAX);
    return 0;
}

void secret_new(char ret[SECRET_TEXT])
{
    uint8_t key[32];

    hash_random(key, sizeof key);
    memcpy(ret, prefix, strlen(prefix));
    EVP_EncodeBlock((unsigned char *)ret + strlen(prefix), key, sizeof key);
}
