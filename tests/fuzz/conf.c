/* The configuration: a file, flags, or variables. What is accepted lies in its range, and what --print-config
 * writes is read back to the same values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

struct settings {
    const char *text;
    bool flag;
    int64_t number, bytes, time_ms;
    double ratio;
};

#define AT(field) offsetof(struct settings, field)
static const struct option rows[] = {
    {"text", OPT_STRING, AT(text), NULL, 0, 0, "TEXT", "a text"},
    {"flag", OPT_FLAG, AT(flag), "false", 0, 0, NULL, "a flag"},
    {"number", OPT_INT, AT(number), "3", -5, 1000, "N", "a number"},
    {"max-bytes", OPT_BYTES, AT(bytes), "1M", 0, 1e12, "SIZE", "a size"},
    {"wait", OPT_DURATION, AT(time_ms), "5s", 0, 1e9, "TIME", "a time"},
    {"ratio", OPT_DOUBLE, AT(ratio), "0.5", 0, 1, "X", "a ratio"},
};

static struct conf *conf_of(struct arena *a, struct settings *s)
{
    struct option_set *set = arena_alloc(a, sizeof *set);

    *set = (struct option_set){"Settings", rows, 6, s};
    return conf_new(a, set, 1);
}

static void check_values(const struct settings *s)
{
    must_be(s->number >= -5 && s->number <= 1000);
    must_be(s->bytes >= 0 && s->bytes <= 1000000000000);
    must_be(s->time_ms >= 0 && s->time_ms <= 1000000000);
    must_be(s->ratio >= 0 && s->ratio <= 1);
}

static int read_text(struct conf *c, const void *data, size_t n)
{
    CLEANUP(fd_closep) int fd = memfd_create("conf", MFD_CLOEXEC);
    struct err err = {0};
    char path[64];

    must_be(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (conf_file(c, path, &err) == 0)
        return 0;
    must_be(err.text[0] != '\0');
    return -1;
}

static void same_again(struct arena *a, const struct conf *c, const struct settings *s)
{
    struct settings back = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    conf_print(c, out);
    fclose(out);
    must_be(read_text(conf_of(a, &back), text, n) == 0);
    free(text);
    must_be(back.flag == s->flag && back.number == s->number && back.bytes == s->bytes &&
            back.time_ms == s->time_ms && fabs(back.ratio - s->ratio) < 1e-5);
    must_be(!back.text == !s->text && (!s->text || strcmp(back.text, s->text) == 0));
}

static void as_flags(struct arena *a, const char *text)
{
    char *argv[34] = {arena_strdup(a, "assay")}, *copy = arena_strdup(a, text);
    struct settings s = {0};
    int argc = 1;

    for (char *word; argc < 33 && (word = strsep(&copy, "\n"));)
        argv[argc++] = word;
    if (conf_flags(conf_of(a, &s), &argc, argv, NULL) == 0)
        must_be(argc >= 1 && argc <= 33);
    check_values(&s);
}

static void as_variables(struct arena *a, const char *text)
{
    char *env[34] = {0}, *copy = arena_strdup(a, text);
    struct settings s = {0};
    int n = 0;

    for (char *word; n < 33 && (word = strsep(&copy, "\n"));)
        env[n++] = word;
    conf_environment(conf_of(a, &s), env, NULL);
    check_values(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = arena_strndup(a, (const char *)data, n);
    struct settings s = {0};
    struct conf *c = conf_of(a, &s);

    if (read_text(c, data, n) == 0)
        same_again(a, c, &s);
    check_values(&s);
    as_flags(a, text);
    as_variables(a, text);
    return 0;
}
