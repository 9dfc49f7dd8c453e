/* assay audit: who changed what. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "store/audit.h"

struct audit_settings {
    const char *since, *tenant, *what;
    bool json;
};

static const struct option audit_rows[] = {
    {"since", OPT_STRING, offsetof(struct audit_settings, since), NULL, 0, 0, "TIME",
     "only lines since then: 24h ago, or at 2026-11-21T00:00:00Z"},
    {"tenant", OPT_STRING, offsetof(struct audit_settings, tenant), NULL, 0, 0, "NAME",
     "only lines of this tenant"},
    {"what", OPT_STRING, offsetof(struct audit_settings, what), NULL, 0, 0, "KIND",
     "only this kind: key.new, job.delete ..."},
    {"json", OPT_FLAG, offsetof(struct audit_settings, json), "false", 0, 0, NULL, "one JSON object a line"},
};

static int parse_since(const char *text, int64_t *ret_us, struct err *err)
{
    int64_t ms;

    *ret_us = 0;
    if (!text || clock_parse_rfc3339(text, ret_us))
        return 0;
    if (!conf_duration(text, &ms))
        return FAIL(err, ERR_INPUT, "'%.64s' is no time; write 24h or 2026-11-21T00:00:00Z", text);
    *ret_us = clock_wall_us() - ms * 1000;
    return 0;
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static void print_line(const struct audit_line *line)
{
    char at[CLOCK_TEXT];

    printf("%s  %-11s  %-28s  %-16s  %-24s  %s\n", clock_rfc3339(at, line->at_us), line->what, line->who,
           or_dash(line->tenant), or_dash(line->object), line->detail ? line->detail : "");
}

static void add_text(yyjson_mut_doc *doc, const char *name, const char *text)
{
    if (text)
        yyjson_mut_obj_add_str(doc, yyjson_mut_doc_get_root(doc), name, text);
}

static void print_json(struct arena *a, const struct audit_line *line)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    char at[CLOCK_TEXT];

    yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
    yyjson_mut_obj_add_int(doc, yyjson_mut_doc_get_root(doc), "seq", line->seq);
    add_text(doc, "at", clock_rfc3339(at, line->at_us));
    add_text(doc, "what", line->what);
    add_text(doc, "who", line->who);
    add_text(doc, "tenant", line->tenant);
    add_text(doc, "object", line->object);
    add_text(doc, "detail", line->detail);
    puts((const char *)json_write(a, doc).data);
}

static int print_audit(struct records *db, struct arena *a, const struct audit_settings *s, struct err *err)
{
    struct audit_query query = {.tenant = s->tenant, .what = s->what};
    struct audit_line *lines;
    size_t n;

    if (parse_since(s->since, &query.since_us, err) < 0)
        return -1;
    if (s->what && !audit_is_kind(s->what))
        return FAIL(err, ERR_INPUT, "there are no lines of the kind '%.32s'", s->what);
    if (records_audit(db, a, &query, &lines, &n, err) < 0)
        return -1;
    if (!s->json)
        printf("%-24s  %-11s  %-28s  %-16s  %-24s  %s\n", "AT", "WHAT", "WHO", "TENANT", "OBJECT", "DETAIL");
    for (size_t i = 0; i < n; i++)
        if (s->json)
            print_json(a, &lines[i]);
        else
            print_line(&lines[i]);
    return 0;
}

static const struct command_help help = {
    .usage = "assay audit [--since TIME] [--tenant NAME] [--what KIND] [--json]",
    .text =
        "Who changed what, oldest first: keys, hooks, limits of tenants, and every job that was cancelled or "
        "deleted. WHO\n"
        "is the id of an API key, a command line with its user, or the server itself (jobs older than "
        "--keep).",
};

static int audit_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(records_freep) struct records *db = NULL;
    struct audit_settings s = {0};
    struct common_settings common;
    struct data_settings data;
    struct option_set sets[] = {
        common_set(&common), {"Audit", audit_rows, COUNT_OF(audit_rows), &s}, data_set(&data)};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc > 1)
        return command_misused(&help, argv[1]);
    if (command_records(&db, data.data, &err) < 0 || print_audit(db, a, &s, &err) < 0)
        return command_failed(&err);
    return 0;
}

const struct command command_audit = {"audit", "who changed what", audit_run};
