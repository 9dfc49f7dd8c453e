/* assay provenance: the Content Credentials (C2PA) of one file, for people or as JSON. The file and the trust
 * lists are opened first; then the process locks itself in, and only then the first byte of the file is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "c2pa/reader.h"
#include "cmd/cmd.h"
#include "cmd/foreign.h"
#include "cmd/terminal.h"
#include "lab/sandbox.h"

enum { MAX_FILES = 32, MEMORY = 512 << 20, MAX_TEXT = 4 << 20, COLUMNS = 200 };
static const int64_t largest_output = INT64_C(1) << 40; /* may be appended to a file that is there */

struct provenance_settings {
    const char *trust, *allowed, *ekus, *tsa;
    bool json;
};

#define ROW(name, type, field, fallback, arg, help)                                        \
    {                                                                                      \
        name, type, offsetof(struct provenance_settings, field), fallback, 0, 0, arg, help \
    }
static const struct option provenance_rows[] = {
    ROW("trust", OPT_STRING, trust, NULL, "FILE[,FILE]",
        "PEM certificates of authorities that vouch for signers"),
    ROW("trust-allowed", OPT_STRING, allowed, NULL, "FILE[,FILE]",
        "PEM certificates of signers that are trusted"),
    ROW("trust-ekus", OPT_STRING, ekus, NULL, "FILE[,FILE]",
        "purposes (OIDs) that a signer's certificate may be made for; default: those of the C2PA"),
    ROW("trust-tsa", OPT_STRING, tsa, NULL, "FILE[,FILE]",
        "PEM certificates of authorities that vouch for times"),
    ROW("json", OPT_FLAG, json, "false", NULL, "print the manifests and what was checked as JSON"),
};

static const struct command_help help = {
    .usage = "assay provenance FILE [--json] [--trust LIST]",
    .text = "Content Credentials (C2PA) of a file: who signed, when, what it says about AI, and what does "
            "not hold.\n"
            "Reads JPEG, PNG, WebP, TIFF, MP4, MOV, HEIC, AVIF, WAV, MP3 and PDF. Nothing is fetched.",
    .after = "  assay provenance photo.jpg\n"
             "  assay provenance clip.mp4 --trust anchors.pem --trust-tsa stamps.pem\n",
};

/* ---- the report ---- */

struct page {
    struct buf text;
    bool utf8;
};

static void say(struct page *p, const char *s)
{
    buf_str(&p->text, s);
}

/* What somebody else wrote. */
static void quote(struct page *p, const char *s)
{
    foreign_plain(&p->text, s, COLUMNS, p->utf8);
}

static const char *const verdicts[] = {
    [C2PA_NONE] = "No Content Credentials: the file does not say where it comes from.\n",
    [C2PA_INVALID] = "Content Credentials that do not hold: what they say proves nothing.\n",
    [C2PA_VALID] = "Content Credentials that hold, by a signer whom no trust list knows.\n",
    [C2PA_TRUSTED] = "Content Credentials that hold, by a trusted signer.\n",
};

static void say_signer(struct page *p, const struct c2pa_result *r)
{
    char when[CLOCK_TEXT];

    say(p, "Signed by: ");
    quote(p, r->signer ? r->signer : "nobody who is named");
    if (r->generator) {
        say(p, "\nMade with: ");
        quote(p, r->generator);
    }
    if (r->signed_at > 0) {
        buf_printf(&p->text, "\nSigned at: %s", clock_rfc3339(when, r->signed_at * 1000000));
        say(p, r->signed_at_known ? "" : " (by a time stamp whose authority no trust list knows)");
    } else {
        say(p, "\nSigned at: not known, there is no time stamp that holds");
    }
    say(p, "\n");
}

static void say_source(struct page *p, const struct c2pa_result *r)
{
    if (r->says_ai)
        say(p, "AI: it declares that it was made with generative AI");
    else if (r->declares_ai)
        say(p, "AI: it declares that it was made with generative AI, but it does not hold");
    else
        say(p, "AI: it does not declare that it was made with generative AI");
    if (r->source) {
        say(p, " (");
        quote(p, r->source);
        say(p, ")");
    }
    say(p, ".\n");
}

static void say_failures(struct page *p, const struct c2pa_result *r)
{
    say(p, r->nfailures > 0 ? "What failed:\n" : "Nothing failed.\n");
    for (size_t i = 0; i < r->nfailures; i++) {
        buf_printf(&p->text, "  %s: ", r->failures[i].code);
        quote(p, r->failures[i].explanation);
        say(p, "\n");
    }
}

static void say_all(struct page *p, const struct c2pa_result *r)
{
    say(p, verdicts[r->state]);
    if (r->state == C2PA_NONE)
        return;
    say_signer(p, r);
    say_source(p, r);
    say_failures(p, r);
}

static void say_json(struct page *p, const struct c2pa_result *r)
{
    if (r->json)
        buf_add(&p->text, r->json, r->json_len);
    else
        say(p, "null");
    say(p, "\n");
}

/* ---- what is opened before the walls stand ---- */

/* The files of a list, ended by NULL. NULL for no list, or one that is too long. */
static const char *const *split(struct arena *a, const char *list)
{
    char *rest = arena_strdup(a, list), *one;
    const char **files = arena_array(a, MAX_FILES + 1, sizeof *files);
    size_t n = 0;

    while (n < MAX_FILES && (one = strsep(&rest, ",")))
        if (one[0] != '\0')
            files[n++] = one;
    return n > 0 && !rest ? files : NULL;
}

static int open_trust(struct arena *a, const struct provenance_settings *s, struct c2pa_trust **ret,
                      struct err *err)
{
    const struct {
        const char *list;
        const char *const *files;
    } lists[] = {{s->trust, split(a, s->trust)},
                 {s->allowed, split(a, s->allowed)},
                 {s->ekus, split(a, s->ekus)},
                 {s->tsa, split(a, s->tsa)}};
    struct c2pa_trust_files files = {lists[0].files, lists[1].files, lists[2].files, lists[3].files};

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        if (lists[i].list && !lists[i].files)
            return FAIL(err, ERR_INPUT, "a list of trust files is empty, or longer than %d", MAX_FILES);
    c2pa_prepare();
    if (!s->trust && !s->allowed && !s->ekus && !s->tsa)
        return 0;
    return c2pa_trust_open(&files, ret, err);
}

static int open_file(const char *path, uint64_t *ret_size, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return FAIL_ERRNO(err, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return FAIL(err, ERR_INPUT, "%s is not a file", path);
    *ret_size = (uint64_t)st.st_size;
    return TAKE_FD(fd);
}

static int put_out(const struct buf *text, struct err *err)
{
    size_t at = 0;

    if (text->overflow)
        return FAIL(err, ERR_LIMIT, "the report is too long");
    while (at < text->len) {
        ssize_t n = write(STDOUT_FILENO, text->data + at, text->len - at);

        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(err, "cannot write the report");
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int read_and_tell(struct arena *a, const struct provenance_settings *s, const char *path,
                         struct err *err)
{
    static const struct sandbox_opts walls = {.memory_bytes = MEMORY, .file_bytes = largest_output};
    CLEANUP(c2pa_trust_freep) struct c2pa_trust *trust = NULL;
    CLEANUP(fd_closep) int fd = -1;
    CLEANUP(buf_clear) struct buf text = BUF(MAX_TEXT);
    struct page page = {.text = BUF(MAX_TEXT), .utf8 = terminal_of(STDOUT_FILENO).utf8};
    struct c2pa_opts opts = {.now = clock_wall_us() / 1000000};
    struct c2pa_result result;
    struct source source;
    uint64_t size;

    if (open_trust(a, s, &trust, err) < 0 || (fd = open_file(path, &size, err)) < 0 ||
        sandbox_enter(&walls, err) < 0)
        return -1;
    opts.trust = trust;
    source = source_of_fd(&fd, size);
    if (c2pa_read(a, &source, &opts, &result, err) < 0)
        return -1;
    if (s->json)
        say_json(&page, &result);
    else
        say_all(&page, &result);
    text = page.text;
    return put_out(&text, err);
}

static int provenance_run(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct common_settings common;
    struct provenance_settings s;
    struct option_set sets[] = {{"Provenance", provenance_rows, COUNT_OF(provenance_rows), &s},
                                common_set(&common)};
    struct conf *conf;
    struct err err;
    int status = command_options(a, &help, sets, COUNT_OF(sets), &common, &argc, argv, &conf);

    if (status >= 0)
        return status;
    if (argc != 2)
        return command_misused(&help, argc > 2 ? argv[2] : NULL);
    return read_and_tell(a, &s, argv[1], &err) < 0 ? command_failed(&err) : 0;
}

const struct command command_provenance = {
    "provenance", "who signed a file, and whether it says that AI made it", provenance_run};
