/* Signatures, byte for byte. The vectors were made with `openssl dgst -hmac` and `openssl base64`. */
#include "hook/sign.h"

#include "base/c23.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "test.h"

#define WHSEC_STANDARD "webhook-signature: v1,QNJ0l4nwBuFFo7E+8PMLfRs0CLk5Q9CPQhRFWHLXlA8="
#define WHSEC_NATIVE \
    "X-Webhook-Signature: sha256=ee1e2eee017e5b3263fb4f8f0f4a9f53b2ed7e77d29b5ecd0d6303d77e42a00d"
#define ODD_STANDARD "webhook-signature: v1,bZgFgyOMYVnTFAblHNPdq9+PlOCxrSVuC9TVUfRLAPA="
#define ODD_NATIVE \
    "X-Webhook-Signature: sha256=41761077bcde460dd95afbcd8377d44cc3f8685c618b4e663cb56f9c1bc03818"

static const char body[] = "{\"job_id\":\"video_12345\",\"status\":\"finished\"}";

static const struct {
    const char *what, *secret, *old_secret, *standard, *native;
} rows[] = {
    {"no secret", NULL, NULL, NULL, NULL},
    {"text", "s3cret", NULL, "webhook-signature: v1,A9pta4B0hpQdMpMZfqM8eXf5EkJuHmn+sEx+a9HS4d8=",
     "X-Webhook-Signature: sha256=a764d502ebb1180eded315a257614b8f94f4b29f0626abb85ae6a8265acc4756"},
    {"whsec_", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", NULL, WHSEC_STANDARD, WHSEC_NATIVE},
    {"two live ones", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "s3cret",
     WHSEC_STANDARD " v1,A9pta4B0hpQdMpMZfqM8eXf5EkJuHmn+sEx+a9HS4d8=", WHSEC_NATIVE},
    {"not base64 after whsec_: the text itself", "whsec_!", NULL, ODD_STANDARD, ODD_NATIVE},
};

static void signatures(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct signing s = {"msg_01",       1700000000,         bytes_of(body, sizeof body - 1),
                            rows[i].secret, rows[i].old_secret, false};
        const char *headers[SIGN_HEADERS + 1];
        sign_headers(a, &s, headers);
        CHECK_STR(headers[0], "webhook-id: msg_01");
        CHECK_STR(headers[1], "webhook-timestamp: 1700000000");
        if (rows[i].secret) {
            CHECK_STR(headers[2], rows[i].standard);
            CHECK_STR(headers[3], rows[i].native);
            CHECK(headers[4] == NULL);
        } else {
            CHECK(headers[2] == NULL);
        }
        ROW("%s", rows[i].what);
    }
}

static void bare_hex(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct signing s = {"msg_01", 1700000000, bytes_of(body, sizeof body - 1), "s3cret", NULL, true};
    const char *headers[SIGN_HEADERS + 1];

    sign_headers(a, &s, headers);
    CHECK_STR(headers[3],
              "X-Webhook-Signature: a764d502ebb1180eded315a257614b8f94f4b29f0626abb85ae6a8265acc4756");
}

static const struct {
    const char *secret;
    bool fine;
} secrets[] = {
    {"s3cret", false}, /* too short for a new one */
    {"s3cret-and-more", true},
    {"", false},
    {"with a blank", false},
    {"with\ttab...", false},
    {"p\xc3\xa4sswort", false},
    {"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", true},
    {"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY", false},  /* not padded */
    {"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NT==", false}, /* 22 bytes */
    {"whsec_MDEyMzQ1Njc4OWFi", false},                 /* 12 bytes */
    {"whsec_MDEy=zQ1Njc4OWFiY2RlZjAxMjM0NTY3", false},
    {"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3----",
     false}, /* some decoders stop at a hyphen, others refuse it */
    {"whsec_", false},
    {"whsec_====", false},
};

static void secrets_are_checked(void)
{
    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        CHECK_INT(secret_check(secrets[i].secret, NULL) == 0, secrets[i].fine);
        ROW("%s", secrets[i].secret);
    }
}

static void new_secrets_are_fine_and_new(void)
{
    char first[SECRET_TEXT], second[SECRET_TEXT];

    secret_new(first);
    secret_new(second);
    CHECK_INT(secret_check(first, NULL), 0);
    CHECK(text_starts(first, "whsec_"));
    CHECK(!text_is(first, second));
}

int main(void)
{
    RUN(signatures);
    RUN(bare_hex);
    RUN(secrets_are_checked);
    RUN(new_secrets_are_fine_and_new);
    return test_end();
}
