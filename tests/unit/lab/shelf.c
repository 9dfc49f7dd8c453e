/* Which weights the keeper loads: the variant that this processor can run, else the plain ones; and that what
 * it tells of its models is what it loaded. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/cpu.h"
#include "base/text.h"
#include "infer/model.h"
#include "lab/shelf_int.h"
#include "test.h"

enum variant_kind { VARIANT_FINE, VARIANT_JUNK, VARIANT_TAMPERED, VARIANT_ABSENT };

static void put(const char *path, struct bytes text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len);
    close(fd);
}

/* A feature that this processor has, or one that it lacks; NULL: there is none. */
static const char *feature(bool here)
{
    for (size_t i = 0; cpu_feature_name(i); i++)
        if (!!(cpu_features() & cpu_feature(cpu_feature_name(i))) == here)
            return cpu_feature_name(i);
    return NULL;
}

/* The built-in weights, with a member at the end that no reader of the format knows: other bytes, same net.
 */
static struct bytes other_bytes(struct arena *a)
{
    static const uint8_t unknown[] = {0xfa, 0x07, 0x01, 'x'};
    struct bytes plain = embedded_model();
    uint8_t *all = arena_alloc(a, plain.len + sizeof unknown);

    memcpy(all, plain.data, plain.len);
    memcpy(all + plain.len, unknown, sizeof unknown);
    return bytes_of(all, plain.len + sizeof unknown);
}

static const char *replaced(struct arena *a, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    CHECK(at != NULL);
    return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* The built-in card as a card of the operator's, without the variants of its own. */
static const char *card_text(struct arena *a, const char *sha256, const char *need)
{
    struct bytes card = embedded_card();
    const char *text = arena_strndup(a, (const char *)card.data, card.len), *own, *end;

    own = strstr(text, "\"variants\"");
    if (own) {
        end = strstr(own, "\n  ],\n"); /* as tools/variant writes it */
        CHECK(end != NULL);
        text = arena_printf(a, "%.*s%s", (int)(own - text), text, end + strlen("\n  ],\n"));
    }
    text = replaced(a, text, "\"name\": \"assay-detect\"", "\"name\": \"yard\"");
    text = replaced(a, text, "\"file\": \"assay-detect-4.onnx\"", "\"file\": \"plain.onnx\"");
    return replaced(a, text, "\"output\":",
                    arena_printf(a,
                                 "\"variants\": [{\"file\": \"quick.onnx\", \"sha256\": \"%s\", "
                                 "\"needs\": [\"%s\"]}],\n\"output\":",
                                 sha256, need));
}

static void fill(struct arena *a, const char *dir, enum variant_kind kind, const char *need,
                 char ret_variant[HASH_HEX])
{
    struct bytes quick = kind == VARIANT_JUNK ? bytes_of("no net", 6) : other_bytes(a);
    const char *text, *file = arena_printf(a, "%s/quick.onnx", dir);

    hash_hex(quick, ret_variant);
    text = card_text(a, ret_variant, need);
    put(arena_printf(a, "%s/yard.json", dir), bytes_of(text, strlen(text)));
    put(arena_printf(a, "%s/plain.onnx", dir), embedded_model());
    if (kind == VARIANT_TAMPERED)
        put(file, bytes_of("something else", 14));
    else if (kind != VARIANT_ABSENT)
        put(file, quick);
}

static void empty(struct arena *a, const char *dir)
{
    static const char *const names[] = {"yard.json", "plain.onnx", "quick.onnx"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(arena_printf(a, "%s/%s", dir, names[i]));
    CHECK_INT(rmdir(dir), 0);
}

/* Of the checkout, else what the system has. */
static const char *library(struct arena *a)
{
    const char *root = getenv("ASSAY_ROOT");
    const char *path = arena_printf(a, "%s/.deps/lib/libonnxruntime.so.1", root ? root : ".");

    return access(path, R_OK) == 0 ? path : "";
}

static void loads_what_the_processor_can_run(void)
{
    static const struct {
        const char *what;
        enum variant_kind kind;
        bool can, plain; /* whether the processor has what it needs; --no-variants */
        bool quick;      /* what must be loaded */
        const char *complaint;
    } rows[] = {
        {"a variant it can run", VARIANT_FINE, true, false, true, NULL},
        {"one it cannot run", VARIANT_FINE, false, false, false, NULL},
        {"plain weights are asked for", VARIANT_FINE, true, true, false, NULL},
        {"a variant that the runtime cannot open", VARIANT_JUNK, true, false, false, NULL},
        {"a variant that is not there", VARIANT_ABSENT, true, false, false, NULL},
        {"a variant that somebody changed", VARIANT_TAMPERED, true, false, false, "SHA-256"},
        {"a changed one that is not asked for", VARIANT_TAMPERED, true, true, false, "SHA-256"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *tmp = getenv("TMPDIR"), *need = feature(rows[i].can);
        char *dir = arena_printf(a, "%s/assay-shelf-XXXXXX", tmp ? tmp : "/tmp");
        struct msg_options opts = {.plain = rows[i].plain};
        struct msg_model models[LAB_MAX_MODELS];
        char plain[HASH_HEX], quick[HASH_HEX];
        struct err err = {0};
        struct shelf s;
        int r;

        if (!need || !mkdtemp(dir))
            continue;
        fill(a, dir, rows[i].kind, need, quick);
        hash_hex(embedded_model(), plain);
        text_copy(opts.models_dir, sizeof opts.models_dir, dir);
        text_copy(opts.runtime, sizeof opts.runtime, library(a));
        r = shelf_open(&s, &opts, &err);
        if (rows[i].complaint) {
            CHECK(r < 0 && strstr(err.text, rows[i].complaint));
        } else {
            CHECK_INT(r, 0);
            CHECK(r < 0 || shelf_models(&s, models) == 1);
            CHECK_STR(r < 0 ? err.text : models[0].sha256, rows[i].quick ? quick : plain);
            CHECK(r < 0 || !s.models[0].card.variant == !rows[i].quick);
        }
        ROW("%s", rows[i].what);
        shelf_clear(&s);
        empty(a, dir);
    }
}

int main(void)
{
    RUN(loads_what_the_processor_can_run);
    return test_end();
}
