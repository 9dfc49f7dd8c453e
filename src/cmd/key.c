/* assay key: who may use the API, and for what. */
#include <stdio.h>
#include <string.h>

#include "api/key.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"

struct key_settings {
    const char *tenant, *scopes, *note, *style;
    int64_t expires_ms, rate, overlap_ms;
};

static const struct option key_rows[] = {
    {"tenant", OPT_STRING, offsetof(struct key_settings, tenant), NULL, 0, 0, "NAME",
     "whose key it is (needed by `new`)"},
    {"scopes", OPT_STRING, offsetof(struct key_settings, scopes), "submit read", 0, 0, "WORDS",
     "what it may do: submit, read, admin; for one API alone: alarm:submit, native:read"},
    {"note", OPT_STRING, offsetof(struct key_settings, note), "", 0, 0, "TEXT", "a word for yourself"},
    {"style", OPT_STRING, offsetof(struct key_settings, style), "ak", 0, 0, "WORD",
     "what it begins with: ak, or ei for clients of the impulse API, which insist on it"},
    {"expires", OPT_DURATION, offsetof(struct key_settings, expires_ms), "0s", 0, 1e13, "TIME",
     "valid that long; 0s: for ever"},
    {"rate", OPT_INT, offsetof(struct key_settings, rate), "0", 0, 1e9, "N",
     "requests a minute; 0: no limit"},
    {"overlap", OPT_DURATION, offsetof(struct key_settings, overlap_ms), "24h", 0, 1e13, "TIME",
     "`rotate`: the old secret stays good that long"},
};

/* One call of the command. */
struct key_call {
    struct arena *arena;
    struct records *db;
    struct key_settings s;
    const char *id; /* the argument behind the verb, "" when missing */
    struct err stored;
};

static int find_style(const struct key_settings *s, enum key_style *ret, struct err *err)
{
    *ret = text_is(s->style, "ei") ? KEY_IMPULSE : KEY_ASSAY;
    return *ret == KEY_ASSAY && !text_is(s->style, "ak") ? FAIL(err, ERR_INPUT, "--style must be ak or ei")
                                                         : 0;
}

static int new_key(struct key_call *c, struct err *err)
{
    const struct key_settings *s = &c->s;
    char key[KEY_TEXT];
    enum key_style style;
    struct key_row row;
    int queued;

    if (!s->tenant)
        return FAIL(err, ERR_INPUT, "assay key new needs --tenant NAME");
    if (find_style(s, &style, err) < 0 ||
        key_make(&(struct key_order){s->tenant, s->scopes, style}, key, &row, err) < 0)
        return -1;
    row.note = s->note;
    row.expires_us = s->expires_ms ? row.created_us + s->expires_ms * 1000 : 0;
    row.rate_per_minute = (int)s->rate;
    queued = records_add_key(c->db, &row, command_keep_error, &c->stored, err);
    if (command_committed(c->db, queued, &c->stored, err) < 0)
        return -1;
    puts(key);
    return 0;
}

static int rotate_key(struct key_call *c, struct err *err)
{
    struct key_rotation rotation = {.id = c->id, .now_us = clock_wall_us()};
    char key[KEY_TEXT], hash[HASH_HEX];
    enum key_style style;
    int queued;

    if (!id_is_valid(c->id))
        return FAIL(err, ERR_INPUT, "assay key rotate needs the ID that `assay key list` shows");
    if (find_style(&c->s, &style, err) < 0)
        return -1;
    key_secret(style, key, hash);
    rotation.hash = hash;
    rotation.old_until_us = rotation.now_us + c->s.overlap_ms * 1000;
    queued = records_rotate_key(c->db, &rotation, command_keep_error, &c->stored, err);
    if (command_committed(c->db, queued, &c->stored, err) < 0)
        return -1;
    puts(key);
    return 0;
}

static const char *key_state(const struct key_row *row)
{
    if (row->revoked_us)
        return "revoked";
    return row->expires_us && row->expires_us <= clock_wall_us() ? "expired" : "valid";
}

/* "-", or until when the secret before the rotation is good. */
static const char *old_secret(const struct key_row *row, char text[CLOCK_TEXT])
{
    bool good = row->old_until_us > clock_wall_us() && text_is(key_state(row), "valid");

    return good ? clock_rfc3339(text, row->old_until_us) : "-";
}

static int list_keys(struct key_call *c, struct err *err)
{
    struct key_row *rows;
    char created[CLOCK_TEXT], expires[CLOCK_TEXT], old[CLOCK_TEXT];
    size_t n;

    if (records_list_keys(c->db, c->arena, &rows, &n, err) < 0)
        return -1;
    printf("%-24s  %-7s  %-16s  %-24s  %6s  %-24s  %-24s  %-24s  %s\n", "ID", "STATE", "TENANT", "SCOPES",
           "RATE", "CREATED", "EXPIRES", "OLD SECRET UNTIL", "NOTE");
    for (size_t i = 0; i < n; i++)
        printf("%-24s  %-7s  %-16s  %-24s  %6d  %-24s  %-24s  %-24s  %s\n", rows[i].id, key_state(&rows[i]),
               rows[i].tenant, rows[i].scopes, rows[i].rate_per_minute,
               clock_rfc3339(created, rows[i].created_us),
               rows[i].expires_us ? clock_rfc3339(expires, rows[i].expires_us) : "never",
               old_secret(&rows[i], old), rows[i].note);
    return 0;
}

static int revoke_key(struct key_call *c, struct err *err)
{
    int queued;

    if (!id_is_valid(c->id))
        return FAIL(err, ERR_INPUT, "assay key revoke needs the ID that `assay key list` shows");
    queued = records_revoke_key(c->db, c->id, clock_wall_us(), command_keep_error, &c->stored, err);
    return command_committed(c->db, queued, &c->stored, err);
}

static const struct command_help help = {
    .usage = "assay key new --tenant NAME [options] | list | rotate ID [--overlap TIME] | revoke ID",
    .text = "API keys. `new` prints the key, and only the key, once: the store keeps a hash. `rotate` makes "
            "another "
            "secret\n"
            "for the same key and prints it; the present one stays good for --overlap, the one before that "
            "dies at "
            "once. A\n"
            "running server knows all of it within a second.",
};

static const struct verb {
    const char *name;
    int (*run)(struct key_call *c, struct err *err);
} verbs[] = {
    {"new", new_key},
    {"list", list_keys},
    {"rotate", rotate_key},
    {"revoke", revoke_key},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (text_is(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static int key_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct key_call c = {.arena = a, .stored = {ERR_INTERNAL, "the store did not answer"}};
    struct common_settings common;
    struct data_settings data;
    struct option_set sets[] = {
        common_set(&common), {"Keys", key_rows, COUNT_OF(key_rows), &c.s}, data_set(&data)};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);
    const struct verb *verb = status < 0 && argc > 1 ? find_verb(argv[1]) : NULL;

    if (status >= 0)
        return status;
    if (!verb) /* before a data directory is made */
        return command_misused(&help, argc > 1 ? argv[1] : NULL);
    if (command_records(&db, data.data, &err) < 0)
        return command_failed(&err);
    c.db = db;
    c.id = argc > 2 ? argv[2] : "";
    return verb->run(&c, &err) < 0 ? command_failed(&err) : 0;
}

const struct command command_key = {"key", "make, list, rotate and revoke API keys", key_run};
