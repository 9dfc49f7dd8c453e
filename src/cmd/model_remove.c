/* assay model remove: the card first, so that nobody ever finds a card without its weights. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/model_int.h"

static bool belongs_to(const struct card *card, const char *path)
{
    for (size_t i = 0; i < card->nvariants; i++)
        if (text_is(card->variants[i].file, path))
            return true;
    return text_is(card->file, path) || text_is(card->tags.map, path);
}

/* Another card may share weights or map. */
static bool is_shared(const struct model_call *c, const struct card_entry *mine, const char *path)
{
    for (size_t i = 0; i < c->n; i++)
        if (&c->entries[i] != mine && belongs_to(&c->entries[i].card, path))
            return true;
    return false;
}

static int remove_part(const struct model_call *c, const struct card_entry *e, const char *path,
                       struct err *err)
{
    if (!path || is_shared(c, e, path) || unlink(path) == 0 || errno == ENOENT)
        return 0;
    return FAIL_ERRNO(err, "cannot remove %s", path);
}

static int remove_one(const struct model_call *c, const char *name, struct err *err)
{
    const struct card_entry *e = model_installed(c, name);

    if (!e)
        return FAIL(err, ERR_NOT_FOUND, "no model '%s' is installed; `assay model list` shows what is there",
                    name);
    if (unlink(e->path) < 0)
        return FAIL_ERRNO(err, "cannot remove %s", e->path);
    if (remove_part(c, e, e->card.file, err) < 0 || remove_part(c, e, e->card.tags.map, err) < 0)
        return -1;
    for (size_t i = 0; i < e->card.nvariants; i++)
        if (remove_part(c, e, e->card.variants[i].file, err) < 0)
            return -1;
    printf("removed %s from %s; restart the server\n", name, c->dir);
    return 0;
}

int model_remove(struct model_call *c, struct err *err)
{
    if (!c->argc)
        return FAIL(err, ERR_INPUT,
                    "assay model remove needs the name of a model; `assay model list` shows them");
    for (int i = 0; i < c->argc; i++)
        if (remove_one(c, c->argv[i], err) < 0)
            return -1;
    return 0;
}
