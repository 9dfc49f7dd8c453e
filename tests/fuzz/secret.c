/* Secrets of webhooks, whsec_ and its base64 above all: what passes signs, with the key that another decoder
 * reads. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/text.h"
#include "hook/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

/* Strict base64 by its definition, with no trick: the slow way to read it. -1: it is none. */
static int slow_base64(const char *text, uint8_t *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text), k = 0;
    uint32_t bits = 0;
    int have = 0;

    while (n > 0 && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        const char *at = strchr(digits, text[i]);
        if (!at)
            return -1;
        bits = bits << 6 | (uint32_t)(at - digits);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        ret[k++] = (uint8_t)(bits >> have);
    }
    return (int)k;
}

static const char *signature(struct arena *a, struct bytes key, const char *message)
{
    uint8_t mac[HASH_SIZE];
    char text[64];

    hash_hmac(key, bytes_of(message, strlen(message)), mac);
    EVP_EncodeBlock((unsigned char *)text, mac, sizeof mac);
    return arena_printf(a, "webhook-signature: v1,%s", text);
}

static void check_signs(struct arena *a, const char *secret)
{
    struct signing s = {.id = "msg_1", .timestamp_s = 1, .body = bytes_of("{}", 2), .secret = secret};
    const char *headers[SIGN_HEADERS + 1] = {0};
    uint8_t key[SECRET_MAX];
    int n;

    sign_headers(a, &s, headers);
    must_be(headers[0] && headers[1] && headers[2] && headers[3] && !headers[4]);
    n = text_starts(secret, "whsec_") ? slow_base64(secret + 6, key) : (int)strlen(secret);
    must_be(n >= 8);
    if (!text_starts(secret, "whsec_"))
        memcpy(key, secret, (size_t)n);
    must_be(text_is(headers[2], signature(a, bytes_of(key, (size_t)n), "msg_1.1.{}")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = arena_strndup(a, (const char *)data, n);
    struct err err = {0};

    if (secret_check(text, &err) == 0)
        check_signs(a, text);
    else
        must_be(err.kind == ERR_INPUT && err.text[0]);
    return 0;
}
