/* assay key: who may use the API, and for what. */
#include <stdio.h>
#include <string.h>

#include "api/key.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/verb.h"

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

static int find_style(const struct key_settings *s, enum key_style *ret, struct err *err)
{
    *ret = text_is(s->style, "ei") ? KEY_IMPULSE : KEY_ASSAY;
    return *ret == KEY_ASSAY && !text_is(s->style, "ak") ? FAIL(err, ERR_INPUT, "--style must be ak or ei")
                                                         : 0;
}

static int new_key(struct verb_call *c, struct err *err)
{
    const struct key_settings *s = c->settings;
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
    if (verb_committed(c, queued, err) < 0)
        return -1;
    puts(key);
    return 0;
}

static int rotate_key(struct verb_call *c, struct err *err)
{
    const struct key_settings *s = c->settings;
    struct key_rotation rotation = {.id = c->word, .now_us = clock_wall_us()};
    char key[KEY_TEXT], hash[HASH_HEX];
    enum key_style style;
    int queued;

    if (!id_is_valid(c->word))
        return FAIL(err, ERR_INPUT, "assay key rotate needs the ID that `assay key list` shows");
    if (find_style(s, &style, err) < 0)
        return -1;
    key_secret(style, key, hash);
    rotation.hash = hash;
    rotation.old_until_us = rotation.now_us + s->overlap_ms * 1000;
    queued = records_rotate_key(c->db, &rotation, command_keep_error, &c->stored, err);
    if (verb_committed(c, queued, err) < 0)
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

static int list_keys(struct verb_call *c, struct err *err)
{
    struct key_row *rows;
    char created[CLOCK_TEXT], expires[CLOCK_TEXT], old[CLOCK_TEXT];
    size_t n;

    if (records_list_keys(c->db, c->a, &rows, &n, err) < 0)
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

static int revoke_key(struct verb_call *c, struct err *err)
{
    int queued;

    if (!id_is_valid(c->word))
        return FAIL(err, ERR_INPUT, "assay key revoke needs the ID that `assay key list` shows");
    queued = records_revoke_key(c->db, c->word, clock_wall_us(), command_keep_error, &c->stored, err);
    return verb_committed(c, queued, err);
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

static const struct verb verbs[] = {
    {"new", new_key, NULL, false},
    {"list", list_keys, NULL, false},
    {"rotate", rotate_key, "the ID that `assay key list` shows", false},
    {"revoke", revoke_key, "the ID that `assay key list` shows", false},
};

static int key_run(int argc, char **argv)
{
    struct key_settings s = {0};
    const struct verb_command command = {
        &help, verbs, COUNT_OF(verbs), {{"Keys", key_rows, COUNT_OF(key_rows), &s}}, 1, NULL};

    return verbs_run(&command, &s, argc, argv);
}

const struct command command_key = {"key", "make, list, rotate and revoke API keys", key_run};
