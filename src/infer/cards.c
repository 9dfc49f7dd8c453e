/* Cards and models as files: load, verify, list, install. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "infer/card.h"
#include "infer/file_int.h"

enum { MAX_CARDS = 1000, COPY_CHUNK = 1 << 16 };

static const char *dir_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path)) : ".";
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int load_map(struct arena *a, struct card *card, struct err *err)
{
    CLEANUP(buf_clear) struct buf text = BUF(CARD_MAX_BYTES);
    struct err why;

    if (file_read(card->tags.map, &text, &why) < 0)
        return FAIL(err, ERR_MODEL, "the tag map of %s: %s", card->name, why.text);
    return card_add_map(a, buf_bytes(&text), name_of(card->tags.map), card, err);
}

int card_load(struct arena *a, const char *path, struct card *ret_card, struct err *err)
{
    CLEANUP(buf_clear) struct buf text = BUF(CARD_MAX_BYTES);
    struct card card;

    if (file_read(path, &text, err) < 0 ||
        card_parse(a, buf_bytes(&text), dir_of(a, path), name_of(path), &card, err) < 0)
        return -1;
    if (card.tags.map && load_map(a, &card, err) < 0)
        return -1;
    *ret_card = card;
    return 0;
}

static int verify_file(const struct card *card, const char *file, const char *sha256, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
    char hex[HASH_HEX];

    if (fd < 0)
        return FAIL(err, ERR_MODEL, "the model file %s of %s cannot be opened: %s", name_of(file), card->name,
                    strerror(errno));
    if (hash_fd(fd, hex) < 0)
        return FAIL_ERRNO(err, "the model file %s of %s cannot be read", name_of(file), card->name);
    if (!text_is(hex, sha256))
        return FAIL(err, ERR_MODEL, "the model file %s is not the one of the card %s: its SHA-256 differs",
                    name_of(file), card->name);
    return 0;
}

int card_verify(const struct card *card, struct err *err)
{
    if (card->file && verify_file(card, card->file, card->sha256, err) < 0)
        return -1;
    for (size_t i = 0; i < card->nvariants; i++) {
        const struct card_variant *v = &card->variants[i];
        if (v->file && access(v->file, F_OK) == 0 && verify_file(card, v->file, v->sha256, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- list ---- */

static int is_card(const struct dirent *e)
{
    const char *name = e->d_name;

    return name[0] != '.' && text_ends(name, ".json") && !text_ends(name, CARD_MAP_ENDING);
}

static struct card_entry load_entry(struct arena *a, const char *dir, const char *name)
{
    struct card_entry entry = {.path = arena_printf(a, "%s/%s", dir, name)};
    struct err why;

    if (card_load(a, entry.path, &entry.card, &why) < 0 || card_verify(&entry.card, &why) < 0)
        entry.problem = arena_strdup(a, why.text);
    return entry;
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

int cards_list(struct arena *a, const char *dir, struct card_entry **ret_entries, size_t *ret_n,
               struct err *err)
{
    struct dirent **names = NULL;
    struct card_entry *entries;
    int n = scandir(dir, &names, is_card, alphasort);

    if (n < 0 && errno != ENOENT)
        return FAIL_ERRNO(err, "the models folder %s cannot be read", dir);
    if (n > MAX_CARDS) {
        free_names(names, n);
        return FAIL(err, ERR_LIMIT, "the models folder %s holds more than %d cards", dir, MAX_CARDS);
    }
    n = n < 0 ? 0 : n;
    entries = arena_array(a, (size_t)n, sizeof *entries);
    for (int i = 0; i < n; i++)
        entries[i] = load_entry(a, dir, names[i]->d_name);
    free_names(names, n);
    *ret_entries = entries;
    *ret_n = (size_t)n;
    return 0;
}

/* ---- add ---- */

static int same_content(const char *x, const char *y)
{
    char hex_x[HASH_HEX] = "", hex_y[HASH_HEX] = "-";
    CLEANUP(fd_closep) int fd_x = open(x, O_RDONLY | O_CLOEXEC);
    CLEANUP(fd_closep) int fd_y = open(y, O_RDONLY | O_CLOEXEC);

    return fd_x >= 0 && fd_y >= 0 && hash_fd(fd_x, hex_x) == 0 && hash_fd(fd_y, hex_y) == 0 &&
           text_is(hex_x, hex_y);
}

static int write_all(int fd, const uint8_t *data, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno != EINTR)
            return -1;
        data += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

static int copy_bytes(int from, int to)
{
    uint8_t chunk[COPY_CHUNK];
    ssize_t n;

    while ((n = read(from, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && write_all(to, chunk, (size_t)n) < 0)
            return -1;
    return n < 0 ? -1 : fsync(to);
}

/* Copies to a temporary name, then renames: whoever looks finds the whole file or none. */
static int install(struct arena *a, const char *from, const char *to, struct err *err)
{
    const char *part = arena_printf(a, "%s.part", to);
    CLEANUP(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC);
    CLEANUP(fd_closep) int out = -1;

    if (access(to, F_OK) == 0) {
        if (same_content(from, to))
            return 0;
        return FAIL(err, ERR_CONFLICT, "%s exists with other content; remove it first", to);
    }
    if (in < 0)
        return FAIL_ERRNO(err, "%s cannot be read", from);
    out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0 || copy_bytes(in, out) < 0 || rename(part, to) < 0) {
        err_set_errno(err, "%s cannot be written", to);
        unlink(part);
        return -1;
    }
    return 0;
}

static int check_name_is_free(struct arena *a, const char *dir, const struct card *card, const char *file,
                              struct err *err)
{
    struct card_entry *entries;
    size_t n;

    if (cards_list(a, dir, &entries, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!entries[i].problem && text_is(entries[i].card.name, card->name) &&
            !text_is(name_of(entries[i].path), file))
            return FAIL(err, ERR_CONFLICT,
                        "a model named %s is already installed by %s; remove that card first", card->name,
                        name_of(entries[i].path));
    return 0;
}

static int install_variants(struct arena *a, const struct card *card, const char *dir, struct err *err)
{
    for (size_t i = 0; i < card->nvariants; i++) {
        const struct card_variant *v = &card->variants[i];
        if (access(v->file, F_OK) == 0 &&
            install(a, v->file, arena_printf(a, "%s/%s", dir, v->name), err) < 0)
            return -1;
    }
    return 0;
}

int cards_add(const char *dir, const char *path, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *file = name_of(path);
    struct card card;

    if (card_load(a, path, &card, err) < 0 || card_verify(&card, err) < 0)
        return -1;
    if (file[0] == '.' || !text_ends(file, ".json") || text_ends(file, CARD_MAP_ENDING))
        return FAIL(err, ERR_MODEL, "the card's file name must end in .json, and not in %s: %s",
                    CARD_MAP_ENDING, file);
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return FAIL_ERRNO(err, "the models folder %s cannot be made", dir);
    if (check_name_is_free(a, dir, &card, file, err) < 0 ||
        (card.file && install(a, card.file, arena_printf(a, "%s/%s", dir, name_of(card.file)), err) < 0) ||
        install_variants(a, &card, dir, err) < 0 ||
        (card.tags.map &&
         install(a, card.tags.map, arena_printf(a, "%s/%s", dir, name_of(card.tags.map)), err) < 0))
        return -1;
    return install(a, path, arena_printf(a, "%s/%s", dir, file), err);
}
