/* assay model pull: weights from their public address, from a mirror or out of a folder. They come into a
 * folder of their own beside the models (.pull), where a broken download goes on the next time; what has the
 * size and the SHA-256 of the catalogue is installed with its card, as `assay model add` does it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/found.h"
#include "cmd/model_int.h"
#include "cmd/progress.h"
#include "net/download.h"

enum { ATTEMPTS = 5, CHUNK = 1 << 16 };

#define ROW(name, type, field, fallback, arg, help)                                  \
    {                                                                                \
        name, type, offsetof(struct pull_settings, field), fallback, 0, 0, arg, help \
    }
static const struct option pull_rows[] = {
    ROW("from", OPT_STRING, from, NULL, "DIR|URL",
        "pull: get the weights from this folder (or the folders in it), or from this address and their name"),
    ROW("catalogue", OPT_STRING, catalogue, NULL, "FILE",
        "pull, list: another catalogue, its cards beside it; default: the one inside the program"),
    ROW("ca", OPT_STRING, ca, NULL, "FILE", "pull: certificates to trust instead of the system's"),
    ROW("available", OPT_FLAG, available, "false", NULL, "list: what the catalogue has"),
    ROW("all", OPT_FLAG, all, "false", NULL, "pull: every model that can be had as it is"),
};

struct option_set pull_set(struct pull_settings *s)
{
    return (struct option_set){"Catalogue (pull, list)", pull_rows, COUNT_OF(pull_rows), s};
}

struct pull {
    struct model_call *call;
    const struct catalogue *catalogue;
    const struct catalogue_entry *e;
    const char *stage, *part; /* the folder, and the weights in it */
    int fd;                   /* of the weights; locked */
    struct progress progress;
};

/* ---- the weights, piece by piece ---- */

static int put_piece(void *arg, int64_t at, struct bytes piece, struct err *err)
{
    struct pull *p = arg;

    if (at == 0 && ftruncate(p->fd, 0) < 0) /* from the start, whatever was there */
        return FAIL_ERRNO(err, "cannot write %s", p->part);
    for (size_t done = 0; done < piece.len;) {
        ssize_t n = pwrite(p->fd, piece.data + done, piece.len - done, at + (off_t)done);
        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(err, "cannot write %s", p->part);
        done += n > 0 ? (size_t)n : 0;
    }
    progress_at(&p->progress, at + (int64_t)piece.len);
    return 0;
}

static int64_t have(const struct pull *p)
{
    struct stat st;

    return fstat(p->fd, &st) == 0 ? st.st_size : 0;
}

/* ---- from a folder ---- */

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* In the folder, or in one of the folders in it, the first by name. */
static const char *find_in(struct arena *a, const char *dir, const char *file)
{
    const char *found = arena_printf(a, "%s/%s", dir, file);
    struct dirent **names = NULL;
    int n;

    if (is_file(found))
        return found;
    n = scandir(dir, &names, NULL, alphasort);
    found = NULL;
    for (int i = 0; i < n; i++) {
        const char *path = arena_printf(a, "%s/%s/%s", dir, names[i]->d_name, file);
        if (!found && names[i]->d_name[0] != '.' && is_file(path))
            found = path;
        free(names[i]);
    }
    free(names);
    return found;
}

static int copy_from(struct pull *p, int in, const char *path, struct err *err)
{
    uint8_t chunk[CHUNK];
    int64_t at = 0;
    ssize_t n;

    while ((n = read(in, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(err, "cannot read %s", path);
        if (n > p->e->size - at)
            return FAIL(err, ERR_SOURCE, "%s is longer than the %d bytes of the catalogue", path, p->e->size);
        if (put_piece(p, at, bytes_of(chunk, (size_t)n), err) < 0)
            return -1;
        at += n;
    }
    if (at < p->e->size)
        return FAIL(err, ERR_SOURCE, "%s has %lld bytes, not the %d of the catalogue", path, (long long)at,
                    p->e->size);
    return 0;
}

static int from_folder(struct pull *p, const char *dir, struct err *err)
{
    const char *path = find_in(p->call->arena, dir, p->e->file);
    CLEANUP(fd_closep) int in = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (!path)
        return FAIL(err, ERR_NOT_FOUND, "there is no %s in %s, and none in the folders in it", p->e->file,
                    dir);
    return in < 0 ? FAIL_ERRNO(err, "cannot open %s", path) : copy_from(p, in, path, err);
}

/* ---- from an address ---- */

static bool is_address(const char *text)
{
    return text_starts(text, "https://") || text_starts(text, "http://");
}

static int need_address(struct pull *p, const char **ret, struct err *err)
{
    const char *from = p->call->pull.from;

    *ret = p->e->url;
    if (from)
        *ret = arena_printf(p->call->arena, "%s%s%s", from, text_ends(from, "/") ? "" : "/", p->e->file);
    if (*ret)
        return 0;
    return FAIL(err, ERR_UNSUPPORTED,
                "nobody publishes %s as it is used here: %s. Where somebody has the converted %s, "
                "`--from DIR` or `--from URL` takes it",
                p->e->name, p->e->conversion, p->e->file);
}

/* As long as it comes nearer to the end. */
static int from_address(struct pull *p, struct err *err)
{
    struct download d = {.size = p->e->size, .ca_file = p->call->pull.ca, .data = put_piece, .arg = p};
    bool again = true;
    int result = -1;

    if (need_address(p, &d.url, err) < 0)
        return -1;
    d.user_agent = arena_printf(p->call->arena, "assay/%s", assay_program.version);
    for (int i = 0; i < ATTEMPTS && result < 0 && again; i++) {
        d.from = have(p) < p->e->size ? have(p) : 0;
        result = download(&d, &again, err);
        if (result < 0 && have(p) <= d.from && i > 0)
            break;
    }
    if (result < 0 && again && have(p) > 0 && err->kind == ERR_SOURCE)
        return FAIL(err, ERR_SOURCE,
                    "%.150s broke off after %lld of %d bytes; the same command goes on there", d.url,
                    (long long)have(p), p->e->size);
    return result;
}

/* ---- one model ---- */

static int check(struct pull *p, struct err *err)
{
    char hex[HASH_HEX];
    int64_t size = have(p);

    if (fsync(p->fd) < 0 || hash_fd(p->fd, hex) < 0)
        return FAIL_ERRNO(err, "cannot read %s again", p->part);
    if (size != p->e->size)
        return FAIL(err, ERR_SOURCE, "%s came with %lld bytes, not the %d of the catalogue", p->e->file,
                    (long long)size, p->e->size);
    if (!text_is(hex, p->e->sha256))
        return FAIL(err, ERR_SOURCE,
                    "what came as %s is another file: its SHA-256 begins with %.12s, that of the catalogue "
                    "with %.12s. Nothing was installed",
                    p->e->file, hex, p->e->sha256);
    return 0;
}

static int get(struct pull *p, struct err *err)
{
    const char *from = p->call->pull.from;

    return from && !is_address(from) ? from_folder(p, from, err) : from_address(p, err);
}

static int get_and_check(struct pull *p, struct err *err)
{
    if (have(p) != p->e->size && get(p, err) < 0)
        return -1;
    return check(p, err);
}

/* What an earlier attempt left may be the beginning of another file: then once more, from the start. */
static int get_checked(struct pull *p, struct err *err)
{
    bool resumed = have(p) > 0;
    bool whole;

    if (get_and_check(p, err) == 0)
        return 0;
    whole = have(p) == p->e->size;
    if (whole && ftruncate(p->fd, 0) < 0)
        return FAIL_ERRNO(err, "cannot write %s", p->part);
    if (!whole || !resumed)
        return -1;
    if (get_and_check(p, err) == 0)
        return 0;
    whole = have(p) == p->e->size;
    return whole && ftruncate(p->fd, 0) < 0 ? FAIL_ERRNO(err, "cannot write %s", p->part) : -1;
}

static int write_text(struct pull *p, const char *name, struct err *err)
{
    const char *path = arena_printf(p->call->arena, "%s/%s", p->stage, name);
    CLEANUP(fd_closep) int fd = -1;
    struct bytes text;

    if (catalogue_text(p->catalogue, p->call->arena, name, &text, err) < 0)
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len)
        return FAIL_ERRNO(err, "cannot write %s", path);
    return 0;
}

/* The catalogue is somebody's own file, too: its card must be that of these weights. */
static int check_card(struct pull *p, const char *path, struct err *err)
{
    struct card card;

    if (card_load(p->call->arena, path, &card, err) < 0)
        return -1;
    if (!text_is(card.name, p->e->name) || !text_is(card.sha256, p->e->sha256) || !card.file ||
        !text_is(strrchr(card.file, '/') + 1, p->e->file))
        return FAIL(err, ERR_MODEL, "the card %s is not that of %s in the catalogue", p->e->card, p->e->name);
    return 0;
}

static int install(struct pull *p, struct err *err)
{
    const char *card = arena_printf(p->call->arena, "%s/%s", p->stage, p->e->card);

    if ((p->e->map && write_text(p, p->e->map, err) < 0) || write_text(p, p->e->card, err) < 0 ||
        check_card(p, card, err) < 0)
        return -1;
    return cards_add(p->call->dir, card, err);
}

static void clean(struct pull *p)
{
    struct arena *a = p->call->arena;

    unlink(p->part);
    unlink(arena_printf(a, "%s/%s", p->stage, p->e->card));
    if (p->e->map)
        unlink(arena_printf(a, "%s/%s", p->stage, p->e->map));
    rmdir(p->stage);
}

static int open_part(struct pull *p, struct err *err)
{
    p->fd = open(p->part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (p->fd < 0)
        return FAIL_ERRNO(err, "cannot write %s", p->part);
    if (flock(p->fd, LOCK_EX | LOCK_NB) < 0)
        return FAIL(err, ERR_BUSY, "another `assay model pull` is getting %s", p->e->name);
    if (have(p) > p->e->size && ftruncate(p->fd, 0) < 0)
        return FAIL_ERRNO(err, "cannot write %s", p->part);
    return 0;
}

static int pull(struct pull *p, struct err *err)
{
    CLEANUP(buf_clear) struct buf size = BUF(64);
    int result;

    if (model_make_dir(p->call, err) < 0)
        return -1;
    if (mkdir(p->stage, 0700) < 0 && errno != EEXIST)
        return FAIL_ERRNO(err, "cannot make the directory %s", p->stage);
    if (open_part(p, err) < 0)
        return -1;
    p->progress = progress_begin(p->e->name, have(p), p->e->size);
    result = get_checked(p, err);
    progress_end(&p->progress);
    if (result < 0) {
        if (have(p) == 0 || (p->call->pull.from && !is_address(p->call->pull.from)))
            clean(p); /* nothing to go on with */
        return -1;
    }
    if (install(p, err) < 0)
        return -1;
    clean(p);
    found_size(&size, p->e->size);
    printf("%-20s installed in %s (%s, %s)\n", p->e->name, p->call->dir, size.data, p->e->licence);
    if (p->e->terms)
        printf("%-20s %s\n", "", p->e->terms);
    return 0;
}

static int pull_named(struct model_call *c, const struct catalogue *all, const char *name, struct err *err)
{
    const struct catalogue_entry *e = catalogue_find(all, name);
    const struct card_entry *there = model_installed(c, name);
    struct pull p = {.call = c, .catalogue = all, .e = e, .fd = -1};
    int result;

    if (!e)
        return FAIL(err, ERR_NOT_FOUND,
                    "the catalogue has no model '%s'; `assay model list --available` shows what it has",
                    name);
    if (there && !there->problem && text_is(there->card.sha256, e->sha256)) {
        printf("%-20s is installed already\n", name);
        return 0;
    }
    if (there && there->problem)
        return FAIL(err, ERR_CONFLICT,
                    "%s is installed, but damaged: `assay model remove %s`, then pull it again", name, name);
    p.stage = arena_printf(c->arena, "%s/.pull", c->dir);
    p.part = arena_printf(c->arena, "%s/%s", p.stage, e->file);
    result = pull(&p, err);
    fd_closep(&p.fd);
    return result;
}

/* A mirror may have what nobody publishes, and need not have everything. */
static int pull_all(struct model_call *c, const struct catalogue *all, struct err *err)
{
    bool folder = c->pull.from && !is_address(c->pull.from);

    for (size_t i = 0; i < all->n; i++) {
        const struct catalogue_entry *e = &all->entries[i];
        if (folder ? !find_in(c->arena, c->pull.from, e->file) : !e->url) {
            printf("%-20s left out: %s\n", e->name, folder ? "not in the folder" : e->conversion);
            continue;
        }
        if (pull_named(c, all, e->name, err) < 0)
            return -1;
    }
    return 0;
}

int model_pull(struct model_call *c, struct err *err)
{
    struct catalogue all;

    if (!c->argc && !c->pull.all)
        return FAIL(err, ERR_INPUT,
                    "assay model pull needs names, or --all; `assay model list --available` shows them");
    if (catalogue_load(c->arena, c->pull.catalogue, &all, err) < 0)
        return -1;
    if (c->pull.all)
        return pull_all(c, &all, err);
    for (int i = 0; i < c->argc; i++)
        if (pull_named(c, &all, c->argv[i], err) < 0)
            return -1;
    puts("restart the server to use it");
    return 0;
}

/* ---- what there is ---- */

int model_list_available(struct model_call *c, struct err *err)
{
    struct catalogue all;

    if (catalogue_load(c->arena, c->pull.catalogue, &all, err) < 0)
        return -1;
    printf("%-20s  %-14s  %-12s  %9s  %s\n", "NAME", "TASK", "LICENCE", "SIZE", "STATE");
    for (size_t i = 0; i < all.n; i++) {
        const struct catalogue_entry *e = &all.entries[i];
        const struct card_entry *there = model_installed(c, e->name);
        CLEANUP(buf_clear) struct buf size = BUF(64);
        found_size(&size, e->size);
        printf("%-20s  %-14s  %-12s  %9s  %s\n", e->name, e->task, e->licence, size.data,
               there && !there->problem ? "installed"
               : e->url                 ? "can be pulled"
                                        : "only from a mirror (--from)");
    }
    return 0;
}
