#include <stdio.h>
#include <string.h>

#include "api/key.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"

struct key_settings {
    const char *tenant, *scopes, *note;
    int64_t expires_ms, rate;
};

static const struct option key_rows[] = {
    {"tenant", OPT_STRING, offsetof(struct key_settings, tenant), NULL, 0, 0, "NAME",
     "whose key it is (needed by `new`)"},
    {"scopes", OPT_STRING, offsetof(struct key_settings, scopes), "submit read", 0, 0, "WORDS",
     "what it may do: submit, read, admin"},
    {"note", OPT_STRING, offsetof(struct key_settings, note), "", 0, 0, "TEXT", "a word for yourself"},
    {"expires", OPT_DURATION, offsetof(struct key_settings, expires_ms), "0s", 0, 1e13, "TIME",
     "valid that long; 0s: for ever"},
    {"rate", OPT_INT, offsetof(struct key_settings, rate), "0", 0, 1e9, "N",
     "requests a minute; 0: no limit"},
};

/* The store's answer to one write, waited for: records_sync orders it before we look. */
static void keep_error(void *arg, const struct err *err)
{
    *(struct err *)arg = *err;
}

static int new_key(struct records *db, const struct key_settings *s, struct err *err)
{
    char key[KEY_TEXT];
    struct key_row row;
    struct err stored = {ERR_INTERNAL, "the store did not answer"};

    if (!s->tenant)
        return FAIL(err, ERR_INPUT, "assay key new needs --tenant NAME");
    if (key_make(s->tenant, s->scopes, key, &row, err) < 0)
        return -1;
    row.note = s->note;
    row.expires_us = s->expires_ms ? row.created_us + s->expires_ms * 1000 : 0;
    row.rate_per_minute = (int)s->rate;
    if (records_add_key(db, &row, keep_error, &stored, err) < 0)
        return -1;
    records_sync(db);
    if (stored.kind != ERR_NONE)
        return FAIL(err, stored.kind, "%s", stored.text);
    puts(key);
    return 0;
}

static const char *key_state(const struct key_row *row)
{
    if (row->revoked_us)
        return "revoked";
    return row->expires_us && row->expires_us <= clock_wall_us() ? "expired" : "valid";
}

static int list_keys(struct records *db, struct arena *a, struct err *err)
{
    struct key_row *rows;
    char created[CLOCK_TEXT], expires[CLOCK_TEXT];
    size_t n;

    if (records_list_keys(db, a, &rows, &n, err) < 0)
        return -1;
    printf("%-24s  %-7s  %-16s  %-18s  %6s  %-24s  %-24s  %s\n", "ID", "STATE", "TENANT", "SCOPES", "RATE",
           "CREATED", "EXPIRES", "NOTE");
    for (size_t i = 0; i < n; i++)
        printf("%-24s  %-7s  %-16s  %-18s  %6d  %-24s  %-24s  %s\n", rows[i].id, key_state(&rows[i]),
               rows[i].tenant, rows[i].scopes, rows[i].rate_per_minute,
               clock_rfc3339(created, rows[i].created_us),
               rows[i].expires_us ? clock_rfc3339(expires, rows[i].expires_us) : "never", rows[i].note);
    return 0;
}

static int revoke_key(struct records *db, const char *id, struct err *err)
{
    struct err stored = {ERR_INTERNAL, "the store did not answer"};

    if (!id_is_valid(id))
        return FAIL(err, ERR_INPUT, "assay key revoke needs the ID that `assay key list` shows");
    if (records_revoke_key(db, id, clock_wall_us(), keep_error, &stored, err) < 0)
        return -1;
    records_sync(db);
    return stored.kind == ERR_NONE ? 0 : FAIL(err, stored.kind, "%s", stored.text);
}

static const struct command_help help = {
    .usage = "assay key new --tenant NAME [options] | list | revoke ID",
    .text = "API keys. `new` prints the key, and only the key, once: the store keeps a hash. A running "
            "server knows\n"
            "new and revoked keys within a second.",
};

static bool is_verb(const char *word)
{
    return text_is(word, "new") || text_is(word, "list") || text_is(word, "revoke");
}

static int key_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct common_settings common;
    struct data_settings data;
    struct key_settings s;
    struct option_set sets[] = {
        common_set(&common), {"Keys", key_rows, COUNT_OF(key_rows), &s}, data_set(&data)};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf), result = -1;

    if (status >= 0)
        return status;
    if (argc < 2 || !is_verb(argv[1])) /* before a data directory is made */
        return command_misused(&help, argc > 1 ? argv[1] : NULL);
    if (records_open(&db, data.data, &err) < 0)
        return command_failed(&err);
    if (text_is(argv[1], "new"))
        result = new_key(db, &s, &err);
    else if (text_is(argv[1], "list"))
        result = list_keys(db, a, &err);
    else
        result = revoke_key(db, argc > 2 ? argv[2] : "", &err);
    return result < 0 ? command_failed(&err) : 0;
}

const struct command command_key = {"key", "make, list and revoke API keys", key_run};
