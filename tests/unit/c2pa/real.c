/* Files of others, from the folder beside the checkout: where expected.tsv says so there is a manifest store,
 * and it reads down to the claim of its active manifest. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cbor.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "c2pa/container.h"
#include "c2pa/jumbf.h"
#include "test.h"

/* One line of the table. */
struct row {
    char *file, *container, *manifests, *claim;
};

static bool split(char *line, struct row *ret)
{
    char *rest = line;

    ret->file = strsep(&rest, "\t");
    ret->container = strsep(&rest, "\t");
    ret->manifests = strsep(&rest, "\t");
    ret->claim = strsep(&rest, "\t");
    return ret->claim && ret->file[0] != '#';
}

/* Every cbor box below `in` must read; counts the boxes. Before C2PA 1.0 a signature was padded behind its
 * CBOR. */
static void check_boxes(const struct jumbf_box *in, bool padded, int *boxes)
{
    const struct jumbf_box *b = in;

    while (b) {
        struct cbor item;
        struct err err = {0};

        ++*boxes;
        if (b->type == JUMBF_TYPE('c', 'b', 'o', 'r')) {
            CHECK((padded ? cbor_read_first : cbor_read)(b->body, &item, &err) == 0);
        }
        if (b->first) {
            b = b->first;
            continue;
        }
        while (b != in && !b->next)
            b = b->parent;
        b = b == in ? NULL : b->next;
    }
}

static void check_store(struct arena *a, const struct row *row, struct bytes store)
{
    struct jumbf_box *root;
    const struct jumbf_box *claim;
    struct err err = {0};
    int manifests = 0, boxes = 0;

    CHECK(jumbf_read(a, store, &root, &err) == 0);
    CHECK_STR(err.text, "");
    if (err.kind)
        return;
    CHECK_INT(root->sort, JUMBF_STORE);
    CHECK_STR(root->label, "c2pa");
    for (const struct jumbf_box *m = root->first; m; m = m->next) {
        manifests += m->sort == JUMBF_MANIFEST || m->sort == JUMBF_UPDATE;
        CHECK(m->label && m->label[0]);
        CHECK(jumbf_find(root, NULL, arena_printf(a, "self#jumbf=/c2pa/%s", m->label)) == m);
    }
    CHECK_INT(manifests, atoi(row->manifests));
    claim = jumbf_child(root->last, row->claim);
    CHECK(claim && claim->sort == JUMBF_CLAIM && jumbf_content(claim, JUMBF_TYPE('c', 'b', 'o', 'r')));
    CHECK(jumbf_find(root, root->last, "self#jumbf=c2pa.assertions"));
    check_boxes(root, text_is(row->file, "c2pa-rs/prerelease.jpg"), &boxes);
    CHECK(boxes > 8);
}

static void check_file(const char *dir, const struct row *row)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(fd_closep) int fd = open(arena_printf(a, "%s/%s", dir, row->file), O_RDONLY | O_CLOEXEC);
    struct container_store found = {0};
    size_t kind = strcspn(row->container, " ");
    bool want = !text_is(row->manifests, "none");
    struct err err = {0};
    struct source s;
    struct stat st;

    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    if (fd < 0)
        return;
    s = source_of_fd(&fd, (uint64_t)st.st_size);
    CHECK_INT(container_find(a, &s, &found, &err), want);
    CHECK(found.container && strlen(found.container) == kind &&
          memcmp(found.container, row->container, kind) == 0);
    if (want)
        check_store(a, row, found.bytes);
    ROW("%s: %s", row->file, err.text);
}

static void reads_files_of_others(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *shared = test_shared(), *dir;
    char line[4096];
    struct row row;
    int files = 0;
    FILE *table;

    if (!shared)
        SKIP("no shared folder");
    dir = arena_printf(a, "%s/data/c2pa", shared);
    table = fopen(arena_printf(a, "%s/expected.tsv", dir), "re");
    if (!table)
        SKIP("no C2PA files in the shared folder");
    while (fgets(line, sizeof line, table))
        if (split(line, &row)) {
            check_file(dir, &row);
            files++;
        }
    fclose(table);
    CHECK(files > 50);
    printf("# %d files\n", files);
}

int main(void)
{
    RUN(reads_files_of_others);
    return test_end();
}
