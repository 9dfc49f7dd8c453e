/* Runs the wire cases: request and answer files (*.wire) against a running server. Usage: wire FILE...
 *
 *     == a wrong key is refused, byte for byte
 *     POST /api/classify?sync=true
 *     Authorization: Bearer {key}          a header; {name} is replaced by a variable
 *     form: video=@alarm.mp4               a file part, with the bytes of the clip of that name
 *     form: metadata={"client_id": 1}      a text part; `file:` instead of `form:` sends it with a file name
 *     body: {"labels": ["x"]}              a raw body
 *     ---
 *     200
 *     Content-Type: application/json       a header with exactly this value; * = any, ! = must be absent
 *     body: {"success": ...}               the body, byte for byte
 *     json: {"id": "<id>", "risk": "*"}    a pattern: members listed must be there; "*" any text, "#" any
 * number, "<id>" 24 hex digits, "<time>" RFC 3339, "!" must be absent; arrays and plain values must be equal
 *     keys: id status ...                  exactly these members, in any order
 *     keep: id                             the member becomes the variable {id}
 *     poll                                 repeat the request until the answer fits (at most 30 s)
 *
 * Variables at the start: key, other (a second tenant's key), readonly (scope read), admin (all scopes),
 * limited (2 requests a minute), zeros. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/text.h"
#include "harness.h"
#include "test.h"

enum { MAX_LINES = 64, MAX_VARS = 64 };

struct run {
    struct arena *a;
    int port;
    size_t nvars;
    struct {
        const char *name, *value;
    } vars[MAX_VARS];
};

struct wire_case {
    const char *name;
    size_t nrequest, nanswer;
    char *request[MAX_LINES], *answer[MAX_LINES];
};

static void set_var(struct run *run, const char *name, const char *value)
{
    for (size_t i = 0; i < run->nvars; i++)
        if (text_is(run->vars[i].name, name)) {
            run->vars[i].value = value;
            return;
        }
    if (run->nvars < MAX_VARS) {
        run->vars[run->nvars].name = name;
        run->vars[run->nvars++].value = value;
    }
}

/* The line with every {name} of a known variable replaced. */
static char *expand(struct run *run, const char *line)
{
    struct buf out = BUF(1 << 20);
    char *kept;

    while (*line) {
        size_t i, skip = 0;
        for (i = 0; *line == '{' && i < run->nvars; i++) {
            size_t n = strlen(run->vars[i].name);
            if (strncmp(line + 1, run->vars[i].name, n) == 0 && line[n + 1] == '}') {
                buf_str(&out, run->vars[i].value);
                skip = n + 2;
                break;
            }
        }
        if (!skip)
            buf_add(&out, line, 1);
        line += skip ? skip : 1;
    }
    kept = arena_strdup(run->a, out.data ? out.data : "");
    buf_clear(&out);
    return kept;
}

/* ---- sending ---- */

static struct bytes clip_bytes(struct run *run, const char *name)
{
    const char *dir = getenv("ASSAY_CLIPS");

    return file_read(run->a, arena_printf(run->a, "%s/%s", dir ? dir : ".", name));
}

static void add_part(struct run *run, struct form *f, char *text, bool as_file)
{
    char *value = strchr(text, '=');

    *value++ = '\0';
    if (*value == '@')
        form_add(f, text, value + 1, clip_bytes(run, value + 1));
    else
        form_add(f, text, as_file ? "part.json" : NULL, bytes_of(value, strlen(value)));
}

static struct answer send_case(struct run *run, const struct wire_case *c)
{
    struct buf head = BUF(1 << 20), all = BUF(64 << 20);
    struct form f = {.body = BUF(64 << 20)};
    const char *body = NULL;
    struct answer answer;

    buf_printf(&head, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", expand(run, c->request[0]));
    for (size_t i = 1; i < c->nrequest; i++) {
        char *line = expand(run, c->request[i]);
        if (text_starts(line, "form: ") || text_starts(line, "file: "))
            add_part(run, &f, line + 6, text_starts(line, "file: "));
        else if (text_starts(line, "body: "))
            body = line + 6;
        else
            buf_printf(&head, "%s\r\n", line);
    }
    if (f.body.len) {
        buf_str(&f.body, "--assay-test-7b1d--\r\n");
        buf_printf(&head, "Content-Type: multipart/form-data; boundary=assay-test-7b1d\r\n");
        body = f.body.data;
    }
    if (body)
        buf_printf(&head, "Content-Length: %zu\r\n", f.body.len ? f.body.len : strlen(body));
    buf_add(&all, head.data, head.len);
    buf_str(&all, "\r\n");
    if (body)
        buf_add(&all, body, f.body.len ? f.body.len : strlen(body));
    answer = http_raw(run->a, run->port, buf_bytes(&all));
    buf_clear(&all);
    buf_clear(&head);
    buf_clear(&f.body);
    return answer;
}

/* ---- comparing; NULL = fits, else what does not ---- */

static const char *fits(struct run *run, yyjson_val *want, yyjson_val *got, const char *at);

static const char *text_fits(struct run *run, const char *want, yyjson_val *got, const char *at)
{
    const char *text = yyjson_get_str(got);
    int64_t us;

    if (text_is(want, "#"))
        return yyjson_is_num(got) ? NULL : arena_printf(run->a, "%s is not a number", at);
    if (!text)
        return arena_printf(run->a, "%s is not text", at);
    if (text_is(want, "*"))
        return NULL;
    if (text_is(want, "<id>"))
        return id_is_valid(text) ? NULL : arena_printf(run->a, "%s is no id: %s", at, text);
    if (text_is(want, "<time>"))
        return clock_parse_rfc3339(text, &us) ? NULL : arena_printf(run->a, "%s is no time: %s", at, text);
    return text_is(want, text) ? NULL : arena_printf(run->a, "%s is \"%s\", not \"%s\"", at, text, want);
}

static const char *object_fits(struct run *run, yyjson_val *want, yyjson_val *got, const char *at)
{
    yyjson_val *key, *value;
    size_t i, n;

    yyjson_obj_foreach (want, i, n, key, value) {
        yyjson_val *member = yyjson_obj_get(got, yyjson_get_str(key));
        const char *path = arena_printf(run->a, "%s.%s", at, yyjson_get_str(key)), *why;
        if (text_is(yyjson_get_str(value), "!")) {
            if (member)
                return arena_printf(run->a, "%s should be absent", path);
            continue;
        }
        if (!member)
            return arena_printf(run->a, "%s is missing", path);
        if ((why = fits(run, value, member, path)))
            return why;
    }
    return NULL;
}

static const char *fits(struct run *run, yyjson_val *want, yyjson_val *got, const char *at)
{
    if (yyjson_is_str(want))
        return text_fits(run, yyjson_get_str(want), got, at);
    if (yyjson_is_obj(want))
        return yyjson_is_obj(got) ? object_fits(run, want, got, at)
                                  : arena_printf(run->a, "%s is no object", at);
    if (yyjson_is_num(want) && yyjson_is_num(got))
        return yyjson_get_num(want) == yyjson_get_num(got)
                   ? NULL
                   : arena_printf(run->a, "%s is %.17g, not %.17g", at, yyjson_get_num(got),
                                  yyjson_get_num(want));
    return yyjson_equals(want, got) ? NULL : arena_printf(run->a, "%s differs", at);
}

static const char *keys_fit(struct run *run, char *names, yyjson_val *got)
{
    size_t n = 0;

    for (char *name; (name = strsep(&names, " "));) {
        if (!*name)
            continue;
        n++;
        if (!yyjson_obj_get(got, name))
            return arena_printf(run->a, "member %s is missing", name);
    }
    return n == yyjson_obj_size(got) ? NULL
                                     : arena_printf(run->a, "%zu members, not %zu", yyjson_obj_size(got), n);
}

static const char *header_fits(struct run *run, char *line, const struct answer *answer)
{
    char *value = strchr(line, ':');
    const char *got;

    if (!value)
        return arena_printf(run->a, "what is '%s'?", line);
    *value++ = '\0';
    value += strspn(value, " ");
    got = answer_header(run->a, answer, line);
    if (text_is(value, "!"))
        return got ? arena_printf(run->a, "header %s should be absent", line) : NULL;
    if (!got)
        return arena_printf(run->a, "header %s is missing", line);
    return text_is(value, "*") || text_is(value, got)
               ? NULL
               : arena_printf(run->a, "header %s is '%s', not '%s'", line, got, value);
}

static const char *line_fits(struct run *run, char *line, const struct answer *answer, yyjson_val *got)
{
    CLEANUP(json_freep) yyjson_doc *want = NULL;

    if (text_starts(line, "body: "))
        return text_is(line + 6, (const char *)answer->body.data) ? NULL : "the body differs";
    if (text_starts(line, "keys: "))
        return keys_fit(run, line + 6, got);
    if (text_starts(line, "keep: ")) {
        char *value = json_at(run->a, answer->body, line + 6);
        if (!value)
            return arena_printf(run->a, "nothing to keep at %s", line + 6);
        set_var(run, arena_strdup(run->a, line + 6), value);
        return NULL;
    }
    if (!text_starts(line, "json: "))
        return header_fits(run, line, answer);
    want = json_read(bytes_of(line + 6, strlen(line + 6)), 1 << 20, NULL);
    return want ? fits(run, yyjson_doc_get_root(want), got, "$") : "the case's own pattern is not JSON";
}

static const char *answer_fits(struct run *run, const struct wire_case *c, const struct answer *answer)
{
    CLEANUP(json_freep) yyjson_doc *doc = json_read(answer->body, 64 << 20, NULL);
    const char *why;

    if (answer->status != atoi(c->answer[0]))
        return arena_printf(run->a, "status %d, not %s", answer->status, c->answer[0]);
    for (size_t i = 1; i < c->nanswer; i++)
        if (!text_is(c->answer[i], "poll") &&
            (why = line_fits(run, expand(run, c->answer[i]), answer, yyjson_doc_get_root(doc))))
            return why;
    return NULL;
}

static bool has_poll(const struct wire_case *c)
{
    for (size_t i = 0; i < c->nanswer; i++)
        if (text_is(c->answer[i], "poll"))
            return true;
    return false;
}

static void run_case(struct run *run, const struct wire_case *c)
{
    int64_t deadline = clock_mono_us() + (has_poll(c) ? 30000000 : 0);
    struct answer answer = send_case(run, c);
    const char *why;

    while ((why = answer_fits(run, c, &answer)) && clock_mono_us() < deadline) {
        usleep(30000);
        answer = send_case(run, c);
    }
    test_count++;
    if (why) {
        test_failures++;
        printf("# %s\n# answer: %d %.600s\n", why, answer.status,
               answer.body.data ? (const char *)answer.body.data : "");
    }
    printf("%sok %d - %s\n", why ? "not " : "", test_count, c->name);
    fflush(stdout);
}

/* ---- reading cases ---- */

static void run_file(struct run *run, const char *path)
{
    char *text = (char *)(uintptr_t)file_read(run->a, path).data, *line;
    struct wire_case *c = NULL;
    bool in_answer = false;

    while ((line = strsep(&text, "\n"))) {
        if (text_starts(line, "== ") || !text) {
            if (c && c->nanswer)
                run_case(run, c);
            c = arena_alloc(run->a, sizeof *c);
            c->name = line + (text_starts(line, "== ") ? 3 : 0);
            in_answer = false;
        } else if (text_is(line, "---")) {
            in_answer = true;
        } else if (c && *line && *line != '#' && c->nrequest < MAX_LINES && c->nanswer < MAX_LINES) {
            if (in_answer)
                c->answer[c->nanswer++] = line;
            else
                c->request[c->nrequest++] = line;
        }
    }
}

int main(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct run run = {.a = a};
    struct served server;
    char *dir = folder_new(a), *rules = getenv("ASSAY_RULES");
    char *more[] = {(char[]){"--max-upload"},
                    (char[]){"2M"},
                    (char[]){"--provenance-max-audio"},
                    (char[]){"1M"},
                    rules ? (char[]){"--rules"} : NULL,
                    rules,
                    NULL};
    char *readonly[] = {(char[]){"--scopes"}, (char[]){"read"}, NULL};
    char *admin[] = {(char[]){"--scopes"}, (char[]){"submit read admin"}, NULL};
    char *limited[] = {(char[]){"--rate"}, (char[]){"2"}, NULL};

    set_var(&run, "key", key_new(a, dir, "acme", NULL));
    set_var(&run, "other", key_new(a, dir, "rival", NULL));
    set_var(&run, "readonly", key_new(a, dir, "acme", readonly));
    set_var(&run, "admin", key_new(a, dir, "acme", admin));
    set_var(&run, "limited", key_new(a, dir, "acme", limited));
    set_var(&run, "zeros", "000000000000000000000000");
    served_start(&server, a, dir, more);
    run.port = server.port;
    for (int i = 1; i < argc; i++)
        run_file(&run, argv[i]);
    test_count++;
    printf("%sok %d - the server stops cleanly\n", served_stop(&server) == 0 ? "" : "not ", test_count);
    folder_remove(dir);
    return test_end();
}
