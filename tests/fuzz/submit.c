/* POST /v1/jobs from anybody: the JSON body, and fields of a form. What is accepted is a job that can be run,
 * within the ceilings of the server, and what is kept of it can be read again. */
#include <stdlib.h>
#include <string.h>

#include "api/native/native_int.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "report/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static struct job_spec most(void)
{
    struct job_spec spec = job_spec_defaults();

    spec.deadline_ms = 30000;
    spec.alarm.max_frames = 100;
    return spec;
}

static void check_ask(struct arena *a, const struct native_ask *ask)
{
    struct job_row row = {.request = native_notes(a, ask)};
    const char *webhook = native_webhook_of(a, row.request);
    struct job_spec spec = most(), back;
    struct err err = {0};

    must_be(!ask->webhook == !webhook && (!webhook || text_is(webhook, ask->webhook)));
    if (native_apply(a, ask, &spec, &err) < 0) {
        must_be(err.kind == ERR_INPUT || err.kind == ERR_LIMIT);
        must_be(err.text[0] != '\0');
        return;
    }
    must_be(job_spec_check(&spec, NULL) == 0);
    must_be(spec.deadline_ms <= most().deadline_ms && spec.alarm.max_frames <= most().alarm.max_frames);
    must_be(spec_from_json(a, spec_to_json(a, &spec), &back, NULL) == 0); /* or an analyst refuses it later */
}

/* "name=value", a field a line. */
static void check_form(struct arena *a, const char *text)
{
    char *copy = arena_strdup(a, text), *line, *eq;
    struct native_ask ask = {0};

    while ((line = strsep(&copy, "\n"))) {
        eq = strchr(line, '=');
        if (!eq)
            continue;
        *eq++ = '\0';
        if (native_parse_field(a, line, bytes_of(eq, strlen(eq)), &ask, NULL) < 0)
            return;
    }
    check_ask(a, &ask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = arena_strndup(a, (const char *)data, n);
    struct native_ask ask;
    double wait = native_parse_prefer(text);

    must_be(wait >= 0 || wait == -1);
    if (native_parse_json(a, bytes_of(data, n), &ask, NULL) == 0)
        check_ask(a, &ask);
    check_form(a, text);
    return 0;
}
