/* The value of an Idempotency-Key. The rest is in tests/wire/idempotency.wire. */
#include "api/idempotent.h"
#include "base/text.h"
#include "test.h"

static char long_key[258];

static void values(void)
{
    static const struct {
        const char *value, *key; /* key NULL: refused */
    } rows[] = {
        {"abc", "abc"},
        {"\"abc\"", "abc"},
        {"8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"},
        {"\"a\\\"b\\\\c\"", "a\"b\\c"},
        {"a\"b", "a\"b"},
        {"a\\b", "a\\b"},
        {"", NULL},
        {"\"\"", NULL},
        {"\"", NULL},
        {"\"abc", NULL},
        {"\"abc\\", NULL},
        {"\"abc\\\"", NULL},
        {"\"a\\bc\"", NULL},
        {"\"abc\"x", NULL},
        {"\"abc\" ", NULL},
        {"a b", NULL},
        {"\"a b\"", NULL},
        {"a\tb", NULL},
        {"caf\xc3\xa9", NULL},
        {"a\x7f", NULL},
    };
    char key[IDEMPOTENCY_KEY_TEXT];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool ok = idempotency_key_parse(rows[i].value, key);
        CHECK_INT(ok, rows[i].key != NULL);
        if (ok && rows[i].key)
            CHECK_STR(key, rows[i].key);
        ROW("%s", rows[i].value);
    }
}

static void length(void)
{
    char key[IDEMPOTENCY_KEY_TEXT];

    memset(long_key, 'k', 255);
    CHECK(idempotency_key_parse(long_key, key));
    CHECK_STR(key, long_key);
    long_key[255] = 'k';
    CHECK(!idempotency_key_parse(long_key, key));
}

int main(void)
{
    RUN(values);
    RUN(length);
    return test_end();
}
