/* Which models are installed, as one hash: of the cards, which name their weights by theirs. Asked once, at
 * the start: the lab loads models when the first job needs them, and a question must not change with that. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/provenance/provenance_int.h"
#include "base/cleanup.h"
#include "base/text.h"

enum { CARD_MAX_BYTES = 1 << 20 };

static int is_card(const struct dirent *entry)
{
    return text_ends(entry->d_name, ".json");
}

/* In any locale the same. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* One that cannot be read counts by its name: the lab will say what is wrong with it. */
static void add_card(struct hasher *h, const char *dir, const char *name)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = open(arena_printf(a, "%s/%s", dir, name), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = arena_alloc(a, CARD_MAX_BYTES);
    ssize_t n = fd >= 0 ? read(fd, text, CARD_MAX_BYTES) : 0;

    hasher_add(h, bytes_of(name, strlen(name) + 1));
    hasher_add(h, bytes_of(&n, sizeof n));
    if (n > 0)
        hasher_add(h, bytes_of(text, (size_t)n));
}

void cards_hash(const char *dir, char ret_hex[HASH_HEX])
{
    CLEANUP(hasher_freep) struct hasher *h = hasher_new();
    struct dirent **names = NULL;
    int n = dir ? scandir(dir, &names, is_card, by_name) : 0;

    for (int i = 0; i < n; i++) {
        add_card(h, dir, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    hasher_hex(h, ret_hex);
}
