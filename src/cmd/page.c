#include "cmd/page.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/foreign.h"

enum { PAGE_MAX = 256 << 20 };

/* ---- the frame ---- */

static const char style[] =
    ":root{color-scheme:light dark;--fg:#1c2024;--dim:#60666d;--bg:#fff;--line:#d9dde2;--soft:#f3f5f7;"
    "--a:#2f6fb5;--b:#8db7e2;--person:#3a8f5c;--text:#8a63c4;--section:#2a8c95;--alarm:#c2302b}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e6e9ec;--dim:#9aa2ab;--bg:#14171a;--line:#353b42;"
    "--soft:#1e2327;--a:#5c9ae0;--b:#2d5584;--person:#58b97f;--text:#ab8be0;--section:#4fb6bf;"
    "--alarm:#ff6b63}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.45 system-ui,sans-serif}\n"
    "main{max-width:70rem;margin:0 auto;padding:1rem}\n"
    "h1{font-size:1.1rem;color:var(--dim);font-weight:500}\n"
    "h2{font-size:1.4rem;margin:.2rem 0;overflow-wrap:anywhere}\n"
    "h3{font-size:1rem;margin:1.4rem 0 .4rem}\n"
    "article{border-top:1px solid var(--line);padding:1rem 0}\n"
    "small,.facts,.more,footer{color:var(--dim)}\n"
    ".verdict{font-size:1.2rem;font-weight:600;margin:.3rem 0}\n"
    ".alarming{color:var(--alarm);font-weight:600}\n"
    ".facts,.more{margin:.2rem 0}\n"
    ".strip{list-style:none;display:flex;flex-wrap:wrap;gap:.6rem;margin:0;padding:0}\n"
    ".strip li{width:160px;overflow-wrap:anywhere;font-size:.9rem}\n"
    "img{background:var(--soft);border-radius:4px}\n"
    ".frame{display:block;max-width:160px;height:auto}\n"
    ".face{width:40px;height:40px;object-fit:cover}\n"
    ".strip .face{display:block;width:112px;height:112px}\n"
    ".lane{display:grid;grid-template-columns:11rem 1fr;gap:.6rem;align-items:center;margin:.25rem 0}\n"
    ".what{display:flex;gap:.5rem;align-items:center;font-size:.9rem;line-height:1.2;overflow-wrap:anywhere}"
    "\n"
    "svg{display:block;width:100%;overflow:visible}\n"
    ".bars{height:18px;background:var(--soft);border-radius:3px}\n"
    ".small{height:10px}\n"
    ".activity{height:70px;background:var(--soft);border-radius:3px}\n"
    ".axis{height:18px;font-size:12px}\n"
    ".axis text{fill:var(--dim)}\n"
    "polygon,.even{fill:var(--a)}\n"
    ".odd{fill:var(--b)}\n"
    ".person{fill:var(--person)}\n"
    ".text{fill:var(--text);opacity:.7}\n"
    ".section{fill:var(--section)}\n"
    ".critical{fill:var(--alarm)}\n"
    ".cut{stroke:var(--dim);stroke-dasharray:2 2}\n"
    ".curves{display:flex;flex-wrap:wrap;gap:1.5rem}\n"
    ".curve{width:20rem;max-width:100%;background:var(--soft);border-radius:3px}\n"
    ".curve text{fill:var(--dim);font-size:5px}\n"
    "polyline{fill:none;stroke:var(--a);stroke-width:1}\n"
    "figure{margin:0}\nfigcaption{color:var(--dim);font-size:.9rem}\n"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}\n"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;"
    "border-bottom:1px solid var(--line)}\n"
    "th{font-weight:500;color:var(--dim);white-space:nowrap}\n"
    "td{overflow-wrap:anywhere}\n"
    ".time{white-space:nowrap;width:1%}\n"
    ".bar{width:60%;vertical-align:middle}\n"
    ".evidence td{font-family:ui-monospace,monospace;font-size:.8rem}\n"
    "@media(max-width:600px){.lane{grid-template-columns:1fr;gap:.15rem}.strip li,.strip .frame{width:46vw}"
    ".frame{max-width:46vw}}\n"
    "@media print{body{font-size:11pt}main{max-width:none;padding:0}"
    "svg,img,.bars,.activity{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "li,.lane,tr{break-inside:avoid}}\n";

static const char doctype[] = "<!doctype html>";

/* The style sheet by its hash: no other one counts, wherever it might come from. */
static const char *style_hash(struct arena *a)
{
    char hex[HASH_HEX];
    uint8_t *sum = arena_alloc(a, HASH_SIZE);

    hash_hex(bytes_of(style, sizeof style - 1), hex);
    text_unhex(sum, HASH_SIZE, hex);
    return base64_encode(a, bytes_of(sum, HASH_SIZE));
}

void page_head(struct buf *out, const char *title)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    buf_printf(out,
               "%s\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "img-src data:; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
               doctype, style_hash(a));
    foreign_html(out, title);
    buf_str(out, " - assay</title>\n<style>");
    buf_str(out, style);
    buf_str(out, "</style>\n</head>\n<body>\n<main>\n<h1>assay</h1>\n");
}

void page_foot(struct buf *out, const struct program_ref *program)
{
    buf_str(out, "<footer>Made by assay ");
    foreign_html(out, program->version ? program->version : "");
    buf_str(out,
            ". This page is one file and asks nobody for anything.</footer>\n</main>\n</body>\n</html>\n");
}

/* ---- the file ---- */

struct page {
    char *path;
    struct buf body; /* written at the end: a command that is interrupted leaves nothing behind */
};

/* Something may be there only if it looks like what would come there. */
static int check_place(const char *path, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    char head[sizeof doctype] = "";
    struct stat st;
    ssize_t n;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : FAIL_ERRNO(err, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return FAIL(err, ERR_INPUT, "%s is there and is no plain file", path);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0 ||
        (n = pread(fd, head, sizeof head - 1, 0)) < 0)
        return FAIL_ERRNO(err, "cannot look at %s", path);
    if (n > 0 && strcasecmp(head, doctype) != 0)
        return FAIL(err, ERR_INPUT, "%s is there and is no page; it stays as it is", path);
    return 0;
}

/* Said before the work begins, not after it. */
static int check_folder(const char *path, struct err *err)
{
    CLEANUP(freep) char *copy = mem_strdup(path);

    return access(dirname(copy), W_OK | X_OK) < 0 ? FAIL_ERRNO(err, "cannot write %s", path) : 0;
}

static int check_size(const struct page *p, struct err *err)
{
    return p->body.overflow ? FAIL(err, ERR_LIMIT, "the page is larger than %d MB", PAGE_MAX >> 20) : 0;
}

int page_begin(struct page **ret, const char *path, const char *title, struct err *err)
{
    struct page *p;

    if (check_place(path, err) < 0 || check_folder(path, err) < 0)
        return -1;
    p = mem_alloc(sizeof *p);
    *p = (struct page){mem_strdup(path), BUF(PAGE_MAX)};
    page_head(&p->body, title);
    *ret = p;
    return 0;
}

int page_add(struct page *p, const struct page_entry *e, struct err *err)
{
    page_entry(&p->body, e);
    return check_size(p, err);
}

struct buf *page_body(struct page *p)
{
    return &p->body;
}

static int write_all(int fd, struct bytes b)
{
    for (size_t done = 0; done < b.len;) {
        ssize_t n = write(fd, b.data + done, b.len - done);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Under a name of its own first. */
static int write_beside(const struct page *p, char *beside, struct err *err)
{
    CLEANUP(fd_closep) int fd = mkostemp(beside, O_CLOEXEC);

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot write %s", p->path);
    if (write_all(fd, buf_bytes(&p->body)) < 0 || fchmod(fd, 0644) < 0 || fsync(fd) < 0 ||
        rename(beside, p->path) < 0) {
        err_set_errno(err, "cannot write %s", p->path);
        unlink(beside);
        return -1;
    }
    return 0;
}

int page_end(struct page *p, const struct program_ref *program, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    page_foot(&p->body, program);
    if (check_size(p, err) < 0 || check_place(p->path, err) < 0)
        return -1;
    return write_beside(p, arena_printf(a, "%s.XXXXXX", p->path), err);
}

void page_freep(struct page **p)
{
    if (!*p)
        return;
    free((*p)->path);
    buf_clear(&(*p)->body);
    freep(p);
}
