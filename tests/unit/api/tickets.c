/* What requests about tickets say, and what they are answered: rows. */
#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "report/json.h"
#include "test.h"

static const char batch[] = "6662efdb5200108549e3ac2b";

/* ---- fields ---- */

/* "name=value" and so on -> "refs | models" or the error. */
static const char *fields(struct arena *a, const char *const *pairs)
{
    struct ticket_ask ask = ticket_ask_defaults();
    const char *out = "";
    struct err err = {0};

    for (; *pairs; pairs++) {
        const char *equals = strchr(*pairs, '=');
        char *name = arena_strndup(a, *pairs, (size_t)(equals - *pairs));
        if (ticket_field(a, &ask, name, bytes_of(equals + 1, strlen(equals + 1)), &err) < 0)
            return arena_strdup(a, err.text);
    }
    for (size_t i = 0; i < ask.nrefs; i++)
        out = arena_printf(a, "%s<%s>", out, ask.refs[i]);
    return arena_printf(a, "%s %u", out, ask.models);
}

static void fields_say(void)
{
    static const struct {
        const char *const pairs[4];
        const char *want;
    } rows[] = {
        {{NULL}, " 15"},
        {{"other=x"}, " 15"},
        {{"ref_ids=a"}, "<a> 15"},
        {{"ref_ids=a, b ,,c"}, "<a><b><><c> 15"},
        {{"ref_ids=a", "ref_ids=b"}, "<a><b> 15"},
        {{"ref_ids[]=a,b", "ref_ids[1]=c"}, "<a,b><c> 15"},
        {{"ref_ids="}, " 15"},
        {{"ref_idsx=a"}, " 15"},
        {{"models="}, " 0"},
        {{"models=metadata"}, " 8"},
        {{"models=error-level, copy-move"}, " 5"},
        {{"models[]=double-jpeg", "models[]=metadata"}, " 10"},
        {{"models=metadat"}, "The models must be among error-level, double-jpeg, copy-move, metadata."},
        {{"ref_ids=a\tb\nc"}, "The ref_ids must be texts of at most 255 bytes without control characters."},
        {{"ref_ids=\xff"}, "The ref_ids must be texts of at most 255 bytes without control characters."},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CHECK_STR(fields(a, rows[i].pairs), rows[i].want);
        ROW("%zu: %s", i, rows[i].pairs[0] ? rows[i].pairs[0] : "nothing");
    }
}

/* ---- answers ---- */

static const char *const names[] = {"a.jpg", "b.pdf"};
static const char *const refs[] = {"x", NULL};
static const struct ticket_notes notes = {2, names, refs};

static void notes_survive(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct ticket_notes back;

    CHECK(ticket_notes_from_json(a, ticket_notes_to_json(a, &notes), &back, NULL) == 0);
    CHECK(back.n == 2 && text_is(back.names[1], "b.pdf") && text_is(back.ref_ids[0], "x") &&
          !back.ref_ids[1]);
    CHECK(ticket_notes_from_json(a, bytes_of("{\"media\":\"image\"}", 17), &back, NULL) < 0);
}

static const char *render(struct arena *a, const char *state, const struct report *report)
{
    struct job_row job = {.state = state, .error_code = "timeout", .error_text = "The deadline passed."};
    struct bytes json = {0};
    struct err err = {0};

    text_copy(job.id, sizeof job.id, batch);
    if (report)
        job.report = report_to_json(a, report);
    if (tickets_render(a, &job, &notes, &json, &err) < 0)
        return arena_strdup(a, err.text);
    return arena_strndup(a, (const char *)json.data, json.len);
}

static struct report *a_report(struct arena *a)
{
    static struct tamper_item items[2] = {
        {.format = "jpeg",
         .width = 640,
         .height = 480,
         .nevidence = 2,
         .evidence = {{.model = TAMPER_COPY_MOVE,
                       .score = 0.75,
                       .threshold = 0.5,
                       .nnumbers = 1,
                       .numbers = {{"cells", 120}}},
                      {.model = TAMPER_METADATA, .code = "no_metadata"}},
         .credentials_read = true,
         .credentials = {CREDENTIALS_VALID, false, "{\"active_manifest\":\"x\"}"}},
        {.part = 1, .format = "", .error = {ERR_DECODE, "This is not an image."}}};
    static struct tampering all = {2, items};
    static const struct subject_part parts[2] = {{.size = 5}, {.offset = 5, .size = 5}};
    struct job_spec spec = job_spec_defaults();
    struct report *r;

    spec.pipeline = "tampering";
    spec.tamper.nparts = 2;
    spec.tamper.parts = parts;
    r = report_new(a, &spec);
    r->tampering = &all;
    r->decoder = "";
    report_set_config(r, &(struct configuration){.tamper_known = true, .tamper = spec.tamper});
    return r;
}

static void batches_are_shown(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = render(a, "new", NULL);
    char id[ID_TEXT], other[ID_TEXT];

    ticket_identifier(batch, 0, 0, id);
    ticket_identifier(batch, 0, 1, other);
    CHECK(id_is_valid(id) && id_is_valid(other) && !text_is(id, other));
    CHECK(strstr(text,
                 arena_printf(a, "{\"identifier\":\"%s\",\"ref_id\":\"x\",\"status\":\"inprogress\"}", id)));
    CHECK(strstr(text, "\"done\":false,\"total_results\":2"));
    text = render(a, "timed_out", NULL);
    CHECK(strstr(text, "\"done\":true") && strstr(text, "\"code\":\"timeout\""));
    CHECK(strstr(text, "\"verdict\":{\"confidence\":0.0,\"classification\":\"authentic\",\"unknown\":true}"));
    text = (const char *)tickets_render_batch(a, batch, &notes).data;
    CHECK(strstr(text, arena_printf(a,
                                    "\"batch_id\":\"%s\",\"total_tickets\":2,\"submissions\":[{"
                                    "\"identifier\":\"%s\",\"ref_id\":\"x\"}",
                                    batch, id)));
}

static void items_are_shown(void)
{
    static const char *const wanted[] = {
        "\"done\":true,\"total_results\":2",
        "\"status\":\"done\",\"hash\":null,\"name\":\"a.jpg\",\"verdict\":{\"confidence\":0.75,"
        "\"classification\":\"tampered\"}",
        "{\"heuristic\":\"Agreement\",\"description\":\"At least two looks found what is above their "
        "thresholds.\",\"confidence\":0.25,\"classification\":\"authentic\"}",
        "{\"model\":\"copy-move\",\"unknown\":false,\"elapsed_time\":0.0,\"classification\":[{\"label\":"
        "\"tampered\",\"score\":0.75},{\"label\":\"authentic\",\"score\":0.25}],\"classification_details\":{"
        "\"confidence\":0.75,\"performance\":[{\"name\":\"cells\",\"value\":120.0}]}}",
        "{\"model\":\"metadata\",\"unknown\":true,\"elapsed_time\":0.0,\"classification\":[],"
        "\"classification_details\":{\"code\":\"no_metadata\"}}",
        "\"c2pa\":{\"active_manifest\":\"x\"}",
        "\"name\":\"b.pdf\",\"verdict\":{\"confidence\":0.0,\"classification\":\"authentic\",\"unknown\":"
        "true}",
        "\"c2pa\":null,\"error\":{\"code\":\"cannot_decode\",\"message\":\"This is not an image.\"}",
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = render(a, "done", a_report(a));

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        CHECK(strstr(text, wanted[i]) != NULL);
        ROW("%s\n# %s", wanted[i], text);
    }
}

int main(void)
{
    RUN(fields_say);
    RUN(notes_survive);
    RUN(batches_are_shown);
    RUN(items_are_shown);
    return test_end();
}
