/* Names that want out: hundreds of ways to say "../", absolute paths, NULs, odd encodings and very long ones,
 * wherever a client or an operator may name something. Afterwards there is no file outside the data
 * directory, in it there are only the files that docs/store.md knows, nobody has read anything, and the
 * server works. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "harness.h"
#include "stage.h"
#include "test.h"

/* Part of every name that could become a file, and what a file beside the data directory says. */
#define MARK   "trav-7b1d"
#define SECRET "canary-4c1f"

static struct stage stage;
static char *base, *job;

/* ---- the vectors ---- */

/* %s is a number and the mark. */
static const char *const ups[] = {
    "..",
    "%2e%2e",
    "%2E%2e",
    ".%2e",
    "%252e%252e",
    "%25252e%25252e",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "%u002e%u002e",
    "\xc0\xae\xc0\xae",
    "\xef\xbc\x8e\xef\xbc\x8e",
    "....",
    "..;",
    "..%00",
    ". .",
};
static const char *const separators[] = {
    "/", "\\", "%2f", "%5c", "%252f", "%c0%af", "\xc0\xaf", "//", "/./", "\xe2\x88\x95", "%2f%5c",
};
static const int depths[] = {1, 2, 5, 12};

static const char *const others[] = {
    "/" MARK "-%s",
    "/etc/" MARK "-%s",
    "/tmp/" MARK "-%s",
    "//tmp//" MARK "-%s",
    "\\tmp\\" MARK "-%s",
    "C:\\" MARK "-%s",
    "C:" MARK "-%s",
    "\\\\127.0.0.1\\share\\" MARK "-%s",
    "file:///tmp/" MARK "-%s",
    "%%2ftmp%%2f" MARK "-%s",
    "~/" MARK "-%s",
    "~root/" MARK "-%s",
    "$HOME/" MARK "-%s",
    "$(touch /tmp/" MARK "-%s)",
    "`touch /tmp/" MARK "-%s`",
    "; touch /tmp/" MARK "-%s",
    "| touch /tmp/" MARK "-%s",
    "&& touch /tmp/" MARK "-%s",
    "> /tmp/" MARK "-%s",
    "a.mp4/../../" MARK "-%s",
    "a.mp4/../../../../../../tmp/" MARK "-%s",
    "blobs/../../" MARK "-%s",
    "assay.db/../../" MARK "-%s",
    "/proc/self/environ",
    "/proc/self/cwd/" MARK "-%s",
    "/proc/self/root/tmp/" MARK "-%s",
    "/proc/self/fd/3",
    "/dev/null",
    "/dev/stdin",
    "/etc/passwd",
    "../canary.txt",
    "../../canary.txt",
    "..\\canary.txt",
    "..%%2fcanary.txt",
    "../data/assay.db",
    "assay.db",
    "owner.lock",
    "blobs",
    "..",
    ".",
    "...",
    "../",
    "./",
    "-",
    "--data=/tmp/" MARK "-%s",
    "-o/tmp/" MARK "-%s",
    ".ssh/" MARK "-%s",
    "con",
    "nul.mp4",
    "aux:" MARK "-%s",
    "a.mp4:stream-" MARK "-%s",
    "%%n%%n%%n%%n",
    "%%s%%s%%s%%s",
    "%%",
    "%%zz",
    "%%00",
    "%%00/../" MARK "-%s",
    "\xe2\x80\xae" MARK "-%s",
    "\xf0\x9f\x8e\xa5/../" MARK "-%s",
    "e\xcc\x81/../" MARK "-%s",
    "\xed\xa0\x80/../" MARK "-%s",
    "\xff\xfe/../" MARK "-%s",
    "\xef\xbb\xbf../" MARK "-%s",
    "\xe2\x80\x8b../" MARK "-%s",
    "..\xc2\xa0/" MARK "-%s",
    "a\tb/../" MARK "-%s",
    "a\x1b[2J../" MARK "-%s",
    "'; DROP TABLE jobs; --" MARK "-%s",
    "\" OR 1=1 --",
    "{\"id\": \"../" MARK "-%s\"}",
    "<script>../" MARK "-%s</script>",
    "*",
    "?",
    "[a-z]*",
};

struct vectors {
    char **texts;
    size_t n, cap;
};

static void add_up(struct vectors *v, const char *up, const char *separator, int depth)
{
    struct buf text = BUF(1 << 16);

    for (int i = 0; i < depth; i++)
        buf_printf(&text, "%s%s", up, separator);
    buf_printf(&text, "%s-%zu", v->n % 3 == 2 ? "canary.txt" : MARK, v->n);
    if (v->n % 3 == 2) /* one that exists where it leads */
        text.data[text.len - snprintf(NULL, 0, "-%zu", v->n)] = '\0';
    ARENA_PUSH(stage.a, v->texts, v->n, v->cap) = arena_strdup(stage.a, text.data);
    buf_clear(&text);
}

static void add_other(struct vectors *v, const char *format)
{
    const char *hole = strstr(format, "%s");
    struct buf text = BUF(1 << 16);

    for (const char *s = format; *s; s++) {
        if (s[0] == '%' && s[1] == '%')
            s++;
        if (s == hole) {
            buf_printf(&text, "%zu", v->n);
            s++;
        } else {
            buf_add(&text, s, 1);
        }
    }
    ARENA_PUSH(stage.a, v->texts, v->n, v->cap) = arena_strndup(stage.a, text.data, text.len);
    buf_clear(&text);
}

static void add_long(struct vectors *v, const char *piece, size_t bytes)
{
    struct buf text = BUF(1 << 20);

    while (text.len < bytes)
        buf_str(&text, piece);
    ARENA_PUSH(stage.a, v->texts, v->n, v->cap) = arena_strndup(stage.a, text.data, text.len);
    buf_clear(&text);
}

static struct vectors make_vectors(void)
{
    static const size_t sizes[] = {254, 255, 256, 257, 1023, 4095, 4096, 4097, 9000, 20000};
    struct vectors v = {0};

    for (size_t u = 0; u < COUNT_OF(ups); u++)
        for (size_t s = 0; s < COUNT_OF(separators); s++)
            for (size_t d = 0; d < COUNT_OF(depths); d++)
                add_up(&v, ups[u], separators[s], depths[d]);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        add_other(&v, others[i]);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        add_long(&v, "a", sizes[i]);
        add_long(&v, "../", sizes[i]);
    }
    return v;
}

static struct vectors vectors;

/* ---- on the wire ---- */

/* Every byte as %41, or only those that cannot stand in a request line. */
static char *encode(const char *text, bool all)
{
    struct buf out = BUF(1 << 20);
    char *copy;

    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (all || *s <= ' ' || *s > '~' || *s == '?' || *s == '#')
            buf_printf(&out, "%%%02x", (unsigned)*s);
        else
            buf_printf(&out, "%c", *s);
    copy = arena_strndup(stage.a, out.data ? out.data : "", out.len);
    buf_clear(&out);
    return copy;
}

/* A JSON string's inside; bytes that are no UTF-8 stay as they are. */
static char *json_text(const char *text)
{
    struct buf out = BUF(1 << 20);
    char *copy;

    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s < ' ' || *s == '"' || *s == '\\')
            buf_printf(&out, "\\u%04x", (unsigned)*s);
        else
            buf_printf(&out, "%c", *s);
    copy = arena_strndup(stage.a, out.data ? out.data : "", out.len);
    buf_clear(&out);
    return copy;
}

static struct answer ask(const char *method, const char *path, const char *headers, struct bytes body)
{
    struct buf all = BUF(1 << 20);
    struct answer answer;

    buf_printf(&all, "%s %s HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: %s\r\nConnection: close\r\n", method,
               path, stage.key);
    buf_printf(&all, "%sContent-Length: %zu\r\n\r\n", headers, body.len);
    buf_add(&all, body.data, body.len);
    answer = http_raw(stage.a, stage.s.port, buf_bytes(&all));
    buf_clear(&all);
    return answer;
}

static bool holds(const struct answer *answer, const char *what)
{
    return memmem(answer->body.data, answer->body.len, what, strlen(what)) != NULL;
}

static bool tells_nothing(const struct answer *answer)
{
    return !holds(answer, SECRET) && !holds(answer, "root:x:") && !holds(answer, "SQLite format") &&
           !holds(answer, "PATH=");
}

/* The impulse API's way. */
static bool says_no(const struct answer *answer)
{
    return answer->status == 200 && holds(answer, "{\"success\":false");
}

/* ---- ids and names in the URL ---- */

/* The value in place of every {name}; the value may have a brace of its own. */
static char *fill_holes(const char *prefix, const char *path, const char *value)
{
    char *filled = arena_strdup(stage.a, prefix);
    const char *hole;

    for (; (hole = strchr(path, '{')); path = strchr(hole, '}') + 1)
        filled = arena_printf(stage.a, "%s%.*s%s", filled, (int)(hole - path), path, value);
    return arena_printf(stage.a, "%s%s", filled, path);
}

static void try_path(const struct route *route, const char *prefix, const char *value)
{
    char *path = fill_holes(prefix, route->path, value);
    bool takes = route->max_body > 0;
    struct answer answer;

    answer = ask(route->method, path, takes ? "Content-Type: application/json\r\n" : "",
                 bytes_of("{\"labels\": [\"x\"]}", takes ? 17 : 0));

    CHECK((answer.status >= 400 && answer.status < 500) || says_no(&answer));
    CHECK(tells_nothing(&answer));
    ROW("%s %.120s: %d", route->method, path, answer.status);
}

static size_t try_route(const struct dialect *d, const struct route *route)
{
    for (size_t i = 0; i < vectors.n; i++) {
        try_path(route, d->prefixes[0], encode(vectors.texts[i], false));
        try_path(route, d->prefixes[0], encode(vectors.texts[i], true));
    }
    return 2 * vectors.n;
}

static void ids_in_urls(void)
{
    const struct route *route;
    const struct dialect *d;
    size_t n = 0;

    for (size_t i = 0; (d = dialect_at(i)); i++)
        for (size_t k = 0; (route = dialect_route(d, k)); k++)
            if (strchr(route->path, '{'))
                n += try_route(d, route);
    printf("# %zu vectors, %zu requests\n", vectors.n, n);
    CHECK(vectors.n >= 500);
}

/* ---- uploads ---- */

static struct answer upload(const char *query, const char *headers, const char *disposition,
                            const char *metadata)
{
    static const char type[] = "Content-Type: multipart/form-data; boundary=edge\r\n";
    struct buf body = BUF(1 << 20);
    struct answer answer;

    buf_printf(&body, "--edge\r\nContent-Disposition: form-data; name=\"video\"%s\r\n\r\nno film\r\n",
               disposition);
    if (metadata)
        buf_printf(&body, "--edge\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n%s\r\n",
                   metadata);
    buf_str(&body, "--edge--\r\n");
    answer = ask("POST", arena_printf(stage.a, "/api/classify%s", query),
                 arena_printf(stage.a, "%s%s", type, headers), buf_bytes(&body));
    buf_clear(&body);
    return answer;
}

/* A job of it, or a refusal; a job's name has no way in it. */
static bool is_sound(const struct answer *answer)
{
    bool fine = answer->status == 200 || answer->status == 202;
    const char *id = fine ? json_at(stage.a, answer->body, "id") : NULL, *name;
    struct answer stored;

    CHECK(tells_nothing(answer));
    if (!id)
        return answer->status >= 400 && answer->status < 500;
    stored = stage_job(&stage, id);
    name = json_at(stage.a, stored.body, "spec.subject.name");
    return stored.status == 200 && name && !strpbrk(name, "/\\\n\r\x1b") && strlen(name) < 256;
}

static void file_names_and_fields(void)
{
    size_t made = 0;

    for (size_t i = 0; i < vectors.n; i++) {
        const char *v = vectors.texts[i], *text = json_text(v);
        struct answer answer =
            upload("", "", arena_printf(stage.a, "; filename=\"%s\"", v),
                   arena_printf(stage.a, "{\"site_id\": \"%s\", \"camera_id\": \"%s\", \"%s\": 1}", text,
                                text, text));
        CHECK(is_sound(&answer));
        made += answer.status == 200;
        ROW("filename %.120s: %d", v, answer.status);
        answer = upload(arena_printf(stage.a, "?analyse_id=%s", encode(v, true)), "",
                        arena_printf(stage.a, "; filename*=UTF-8''%s", encode(v, true)), NULL);
        CHECK(is_sound(&answer));
        ROW("filename* %.120s: %d", v, answer.status);
    }
    printf("# %zu jobs made\n", made);
    CHECK(made > vectors.n / 2); /* most of them are just odd names */
}

/* POST /v1/jobs: file name, name and camera in a form; name and URL in JSON. */
static void native_fields(void)
{
    static const char form_type[] = "Content-Type: multipart/form-data; boundary=edge\r\n",
                      json_type[] = "Content-Type: application/json\r\n";
    size_t made = 0;

    for (size_t i = 0; i < vectors.n; i++) {
        const char *v = vectors.texts[i], *text = json_text(v);
        const char *body =
            arena_printf(stage.a,
                         "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\nno "
                         "film\r\n--edge\r\n"
                         "Content-Disposition: form-data; name=\"camera\"\r\n\r\n%s\r\n--edge--\r\n",
                         v, v);
        struct answer answer = ask("POST", "/v1/jobs", form_type, bytes_of(body, strlen(body)));
        CHECK(is_sound(&answer));
        made += answer.status == 202;
        ROW("form %.120s: %d", v, answer.status);
        body = arena_printf(stage.a, "{\"url\": \"%s\", \"name\": \"%s\"}", text, text);
        answer = ask("POST", "/v1/jobs", json_type, bytes_of(body, strlen(body)));
        CHECK(answer.status >= 400 && answer.status < 500 && tells_nothing(&answer));
        ROW("json %.120s: %d", v, answer.status);
    }
    printf("# %zu jobs made\n", made);
    CHECK(made > vectors.n / 2);
}

static void file_names_with_nul(void)
{
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {{"a\0../../" MARK, 8 + sizeof MARK}, {"\0", 1}, {"../" MARK "\0.mp4", 8 + sizeof MARK}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf body = BUF(1 << 16);
        struct answer answer;
        buf_str(&body, "--edge\r\nContent-Disposition: form-data; name=\"video\"; filename=\"");
        buf_add(&body, rows[i].bytes, rows[i].n);
        buf_str(&body, "\"\r\n\r\nno film\r\n--edge--\r\n");
        answer = ask("POST", "/api/classify", "Content-Type: multipart/form-data; boundary=edge\r\n",
                     buf_bytes(&body));
        CHECK(is_sound(&answer));
        buf_clear(&body);
    }
}

static void idempotency_keys(void)
{
    size_t made = 0;

    for (size_t i = 0; i < vectors.n; i++) {
        struct answer answer;
        if (strlen(vectors.texts[i]) > 8000) /* more than a head may have */
            continue;
        answer = upload("", arena_printf(stage.a, "Idempotency-Key: %s\r\n", vectors.texts[i]), "", NULL);
        CHECK(is_sound(&answer));
        made += answer.status == 200;
        ROW("%.120s: %d", vectors.texts[i], answer.status);
    }
    CHECK(made > vectors.n / 2);
}

static void labels_and_comments(void)
{
    static const char type[] = "Content-Type: application/json\r\n";

    for (size_t i = 0; i < vectors.n; i++) {
        const char *text = json_text(vectors.texts[i]);
        const char *body = arena_printf(
            stage.a, "{\"id\": \"%s\", \"labels\": [\"%s\"], \"comment\": \"%s\"}", job, text, text);
        struct answer answer = ask("POST", "/api/flow/labels", type, bytes_of(body, strlen(body)));
        CHECK((answer.status == 200 || answer.status == 412) && tells_nothing(&answer));
        body = arena_printf(stage.a, "{\"id\": \"%s\", \"labels\": [\"x\"]}", text);
        answer = ask("POST", "/api/flow/labels", type, bytes_of(body, strlen(body)));
        CHECK_INT(answer.status, 412);
        CHECK(tells_nothing(&answer));
        ROW("%.120s: %d", vectors.texts[i], answer.status);
    }
}

/* ---- the command line ---- */

static void tenants_on_the_command_line(void)
{
    for (size_t i = 0; i < vectors.n; i++) {
        const char *v = vectors.texts[i];
        struct outcome o = stage_run(&stage, ARGS("key", "new", arena_printf(stage.a, "--tenant=%s", v)));
        bool fine = tenant_is_valid(v);
        CHECK_INT(o.status, fine ? 0 : 1);
        CHECK(fine ? text_starts(o.out, "ak_") : !*o.out && *o.err);
        if (i % 16 == 0 && *v != '-') { /* as an argument, "-o" is an option */
            o = stage_run(&stage, ARGS("tenant", "set", v, "--jobs", "1"));
            CHECK_INT(o.status, fine ? 0 : 1);
            o = stage_run(&stage, ARGS("job", "show", v));
            CHECK(o.status == 1 && !strstr(o.out, SECRET));
            o = stage_run(&stage, ARGS("key", "revoke", v));
            CHECK_INT(o.status, 1);
            o = stage_run(&stage, ARGS("hook", "add", arena_printf(stage.a, "--tenant=%s", v), "--url",
                                       "https://example.org/x"));
            CHECK_INT(o.status, fine ? 0 : 1);
        }
        ROW("%.120s: %d %s", v, o.status, o.err);
    }
}

/* ---- what became of it ---- */

/* Names in one folder which hold the mark. */
static size_t marked(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    size_t n = 0;

    while (d && (entry = readdir(d)))
        if (strstr(entry->d_name, "trav-7b1d")) {
            printf("# %s/%s is there\n", folder, entry->d_name);
            n++;
        }
    if (d)
        closedir(d);
    return n;
}

/* As docs/store.md says: relative to the data directory. */
static bool is_known(const char *path)
{
    static const char *const files[] = {"assay.db",   "assay.db-wal", "assay.db-shm",
                                        "owner.lock", "blobs",        "blobs/tmp"};
    size_t n = strlen(path);

    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (text_is(files[i], path))
            return true;
    if (!text_starts(path, "blobs/") || !text_is_hex(arena_strndup(stage.a, path + 6, 2), 2))
        return false;
    return n == 8 || (n == 8 + 1 + 64 && path[8] == '/' && text_is_hex(path + 9, 64));
}

static size_t walk(const char *root, const char *below, bool (*fine)(const char *path))
{
    char *folder = arena_printf(stage.a, "%s%s%s", root, *below ? "/" : "", below);
    DIR *d = opendir(folder);
    struct dirent *entry;
    size_t n = 0;

    while (d && (entry = readdir(d))) {
        char *path = arena_printf(stage.a, "%s%s%s", below, *below ? "/" : "", entry->d_name);
        if (text_is(entry->d_name, ".") || text_is(entry->d_name, ".."))
            continue;
        n++;
        CHECK(fine(path));
        ROW("%s in %s", path, root);
        if (entry->d_type == DT_DIR && !text_is(path, "data"))
            n += walk(root, path, fine);
    }
    if (d)
        closedir(d);
    return n;
}

static bool is_ours(const char *path)
{
    return text_is(path, "data") || text_is(path, "data.log") || text_is(path, "canary.txt") ||
           text_is(path, "work");
}

static void no_file_is_anywhere_else(void)
{
    static const char *const folders[] = {"/", "/tmp", "/etc", "/root", "/home", "/var", "/dev", "."};
    const char *tmp = getenv("TMPDIR"), *home = getenv("HOME");

    CHECK_INT(walk(base, "", is_ours), 4); /* the server's working directory is empty */
    CHECK(walk(stage.dir, "", is_known) > 3);
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        CHECK_INT(marked(folders[i]), 0);
    CHECK_INT(marked(tmp ? tmp : "/tmp") + marked(home ? home : "/"), 0);
}

static void the_server_works(void)
{
    CHECK_INT(stage_post(&stage, "/api/classify?sync=true", "tiny.mp4").status, 200);
    CHECK_INT(stage_get(&stage, "/readyz").status, 200);
    CHECK_INT(stage_get(&stage, arena_printf(stage.a, "/api/result/%s", job)).status, 200);
}

/* A data directory in a folder of its own, with a file beside it and a working directory that is empty. */
static void set_up(void)
{
    struct arena *a = arena_new();
    char *path = folder_new(a);
    FILE *f = fopen(arena_printf(a, "%s/canary.txt", path), "we");

    if (!f || fputs(SECRET "\n", f) < 0 || fclose(f) != 0 ||
        mkdir(arena_printf(a, "%s/work", path), 0700) < 0 || chdir(arena_printf(a, "%s/work", path)) < 0)
        abort();
    stage = stage_open_in(path, ARGS("--analysts", "2"));
    base = arena_strdup(stage.a, path);
    arena_free(a);
    vectors = make_vectors();
    job = json_at(stage.a, stage_post(&stage, "/api/classify?sync=true", "tiny.mp4").body, "id");
}

int main(void)
{
    char *folder;
    int status;

    set_up();
    RUN(ids_in_urls);
    RUN(file_names_and_fields);
    RUN(native_fields);
    RUN(file_names_with_nul);
    RUN(idempotency_keys);
    RUN(labels_and_comments);
    RUN(tenants_on_the_command_line);
    RUN(no_file_is_anywhere_else);
    RUN(the_server_works);
    folder = strdup(base);
    status = stage_close(&stage);
    if (chdir("/") == 0)
        folder_remove(folder);
    free(folder);
    return status == 0 ? test_end() : 1;
}
