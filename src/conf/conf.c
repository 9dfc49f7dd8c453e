#include "conf/conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { FILE_MAX_BYTES = 1 << 20, LINE_BYTES = 4096, NAME_BYTES = 64 };

enum source { FROM_DEFAULT, FROM_FILE, FROM_ENV, FROM_FLAG };
static const char *const source_names[] = {"default", "file", "environment", "flag"};

struct setting {
    const struct option *opt;
    const struct option_set *set;
    const char *text; /* as given; NULL = not set */
    enum source source;
};

struct conf {
    struct arena *arena;
    size_t n;
    struct setting *settings;
};

/* ---- values ---- */

struct unit {
    const char *suffix;
    double factor;
};
static const struct unit byte_units[] = {{"", 1}, {"K", 1024}, {"M", 1048576}, {"G", 1073741824}, {NULL, 0}};
static const struct unit time_units[] = {{"ms", 1},        {"s", 1000},       {"m", 60000},
                                         {"h", 3600000.0}, {"d", 86400000.0}, {NULL, 0}};

/* A number followed by one of the units. */
static bool parse_unit(const char *text, const struct unit *units, double *ret)
{
    char number[32];
    size_t digits = strspn(text, "0123456789.");
    double value;

    if (!digits || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!text_to_double(number, &value))
        return false;
    for (; units->suffix; units++)
        if (strcmp(text + digits, units->suffix) == 0) {
            *ret = value * units->factor;
            return true;
        }
    return false;
}

bool conf_duration(const char *text, int64_t *ret_ms)
{
    double ms;

    if (!parse_unit(text, time_units, &ms) || ms > 1e15)
        return false;
    *ret_ms = (int64_t)ms;
    return true;
}

static bool parse_flag(const char *text, bool *ret)
{
    *ret = text_is(text, "true") || text_is(text, "yes") || text_is(text, "1") || text_is(text, "on");
    return *ret || text_is(text, "false") || text_is(text, "no") || text_is(text, "0") ||
           text_is(text, "off");
}

static bool parse_number(const struct option *o, const char *text, double *ret)
{
    int64_t whole;

    switch (o->type) {
    case OPT_INT:
        if (!text_to_i64(text, &whole))
            return false;
        *ret = (double)whole;
        return true;
    case OPT_DOUBLE:
        return text_to_double(text, ret);
    case OPT_BYTES:
        return parse_unit(text, byte_units, ret);
    case OPT_DURATION:
        return parse_unit(text, time_units, ret);
    case OPT_STRING:
    case OPT_FLAG:
        break;
    }
    return false;
}

static const char *const type_hints[] = {
    [OPT_STRING] = "text",
    [OPT_FLAG] = "true or false",
    [OPT_INT] = "a whole number",
    [OPT_DOUBLE] = "a number",
    [OPT_BYTES] = "a size such as 512K, 100M or 2G",
    [OPT_DURATION] = "a time such as 250ms, 60s, 5m, 24h or 30d",
};

static int store_value(struct setting *s, const char *text, struct err *err)
{
    const struct option *o = s->opt;
    char *at = (char *)s->set->target + o->offset;
    double v;
    bool on;

    if (o->type == OPT_STRING) {
        *(const char **)(void *)at = text;
        return 0;
    }
    if (o->type == OPT_FLAG) {
        if (!parse_flag(text, &on))
            return FAIL(err, ERR_INPUT, "%s: '%s' is not true or false", o->name, text);
        *(bool *)at = on;
        return 0;
    }
    if (!parse_number(o, text, &v))
        return FAIL(err, ERR_INPUT, "%s: '%s' is not %s", o->name, text, type_hints[o->type]);
    if ((o->min != 0 || o->max != 0) && (v < o->min || v > o->max))
        return FAIL(err, ERR_INPUT, "%s: %s is outside the range %.16g to %.16g", o->name, text, o->min,
                    o->max);
    if (o->type == OPT_DOUBLE)
        *(double *)(void *)at = v;
    else
        *(int64_t *)(void *)at = (int64_t)v;
    return 0;
}

static int set_value(struct conf *c, struct setting *s, const char *text, enum source source, struct err *err)
{
    const char *kept = arena_strdup(c->arena, text);

    if (store_value(s, kept, err) < 0)
        return -1;
    s->text = kept;
    s->source = source;
    return 0;
}

static struct setting *find(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->settings[i].opt->name, name) == 0)
            return &c->settings[i];
    return NULL;
}

struct conf *conf_new(struct arena *a, const struct option_set *sets, size_t nsets)
{
    struct conf *c = arena_alloc(a, sizeof *c);
    size_t cap = 0;
    struct err err;

    c->arena = a;
    for (size_t i = 0; i < nsets; i++)
        for (size_t k = 0; k < sets[i].n; k++)
            ARENA_PUSH(a, c->settings, c->n, cap) =
                (struct setting){&sets[i].rows[k], &sets[i], NULL, FROM_DEFAULT};
    for (size_t i = 0; i < c->n; i++) {
        struct setting *s = &c->settings[i];
        if (!s->opt->fallback && s->opt->type == OPT_STRING)
            *(const char **)(void *)((char *)s->set->target + s->opt->offset) = NULL;
        if (s->opt->fallback && set_value(c, s, s->opt->fallback, FROM_DEFAULT, &err) < 0)
            abort();
    }
    return c;
}

/* ---- the file ---- */

static char *trimmed(char *s)
{
    size_t n;

    while (isspace((unsigned char)*s))
        s++;
    for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
        s[n - 1] = '\0';
    return s;
}

static int read_line(struct conf *c, char *line, const char *path, int number, struct err *err)
{
    char *text = trimmed(line), *eq = strchr(text, '='), *name, *value;
    struct setting *s;
    struct err why;

    if (!*text || *text == '#')
        return 0;
    if (!eq)
        return FAIL(err, ERR_INPUT, "%s line %d: expected 'name = value'", path, number);
    *eq = '\0';
    name = trimmed(text);
    value = trimmed(eq + 1);
    if (!(s = find(c, name)))
        return FAIL(err, ERR_INPUT, "%s line %d: there is no option '%s'", path, number, name);
    if (set_value(c, s, value, FROM_FILE, &why) < 0)
        return FAIL(err, ERR_INPUT, "%s line %d: %s", path, number, why.text);
    return 0;
}

static void fclosep(FILE **f)
{
    if (*f)
        fclose(*f);
}

int conf_file(struct conf *c, const char *path, struct err *err)
{
    CLEANUP(fclosep) FILE *f = fopen(path, "re");
    char line[LINE_BYTES];
    size_t total = 0;

    if (!f)
        return FAIL_ERRNO(err, "cannot read the configuration file %s", path);
    for (int number = 1; fgets(line, sizeof line, f); number++) {
        size_t len = strlen(line);
        total += len;
        if (total > FILE_MAX_BYTES || (len == sizeof line - 1 && line[len - 1] != '\n'))
            return FAIL(err, ERR_LIMIT, "%s line %d: the file or the line is too long", path, number);
        if (read_line(c, line, path, number, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- the environment ---- */

static void env_name(const char *option, char ret[NAME_BYTES])
{
    char *p = ret + snprintf(ret, NAME_BYTES, "ASSAY_");

    for (; *option && p < ret + NAME_BYTES - 1; option++)
        *p++ = *option == '-' ? '_' : (char)toupper((unsigned char)*option);
    *p = '\0';
}

static const char *env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

int conf_environment(struct conf *c, char *const *env, struct err *err)
{
    char name[NAME_BYTES];
    struct err why;

    for (size_t i = 0; i < c->n; i++) {
        const char *value;
        env_name(c->settings[i].opt->name, name);
        value = env_get(env, name);
        if (value && set_value(c, &c->settings[i], value, FROM_ENV, &why) < 0)
            return FAIL(err, ERR_INPUT, "%s: %s", name, why.text);
    }
    return 0;
}

/* ---- flags ---- */

/* One flag at argv[*at]; moves *at behind it and its value. */
static int read_flag(struct conf *c, int argc, char **argv, int *at, struct err *err)
{
    const char *arg = argv[(*at)++] + 2, *eq = strchr(arg, '='), *value;
    char name[NAME_BYTES];
    struct setting *s;
    struct err why;

    snprintf(name, sizeof name, "%.*s", (int)(eq ? eq - arg : (long)strlen(arg)), arg);
    s = find(c, name);
    if (!s && !eq && text_starts(name, "no-") && (s = find(c, name + 3)) && s->opt->type == OPT_FLAG)
        return set_value(c, s, "false", FROM_FLAG, err);
    if (!s)
        return FAIL(err, ERR_INPUT, "there is no option --%s; --help lists them", name);
    if (eq)
        value = eq + 1;
    else if (s->opt->type == OPT_FLAG)
        value = "true";
    else if (*at < argc)
        value = argv[(*at)++];
    else
        return FAIL(err, ERR_INPUT, "--%s needs a value: %s", name, s->opt->arg ? s->opt->arg : "VALUE");
    if (set_value(c, s, value, FROM_FLAG, &why) < 0)
        return FAIL(err, ERR_INPUT, "--%s", why.text);
    return 0;
}

int conf_flags(struct conf *c, int *argc, char **argv, struct err *err)
{
    int kept = 1, i = 1;

    while (i < *argc && strcmp(argv[i], "--") != 0) {
        if (text_starts(argv[i], "--")) {
            if (read_flag(c, *argc, argv, &i, err) < 0)
                return -1;
        } else {
            argv[kept++] = argv[i++];
        }
    }
    for (i++; i < *argc; i++)
        argv[kept++] = argv[i];
    argv[kept < *argc ? kept : *argc] = NULL;
    *argc = kept;
    return 0;
}

static const char *config_path(int argc, char **argv, char *const *env)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            return argv[i + 1];
        if (text_starts(argv[i], "--config="))
            return argv[i] + strlen("--config=");
    }
    return env_get(env, "ASSAY_CONFIG");
}

int conf_read(struct conf *c, int *argc, char **argv, char *const *env, struct err *err)
{
    const char *path = find(c, "config") ? config_path(*argc, argv, env) : NULL;

    if (path && *path && conf_file(c, path, err) < 0)
        return -1;
    if (conf_environment(c, env, err) < 0)
        return -1;
    return conf_flags(c, argc, argv, err);
}

/* ---- two readings ---- */

void conf_compare(const struct conf *old, const struct conf *now,
                  void (*differs)(void *arg, const char *name, const char *was, const char *is), void *arg)
{
    for (size_t i = 0; i < old->n; i++) {
        const struct setting *was = &old->settings[i], *is = find(now, was->opt->name);
        if (is && (was->text || is->text) && !text_is(was->text, is->text))
            differs(arg, was->opt->name, was->text, is->text);
    }
}

/* ---- for people ---- */

void conf_print(const struct conf *c, FILE *out)
{
    const struct option_set *set = NULL;

    for (size_t i = 0; i < c->n; i++) {
        const struct setting *s = &c->settings[i];
        if (text_is(s->opt->name, "config") || text_is(s->opt->name, "print-config"))
            continue;
        if (s->set != set)
            fprintf(out, "%s# %s\n", set ? "\n" : "", s->set->title);
        set = s->set;
        fprintf(out, "# %s (%s)\n", s->opt->help, source_names[s->source]);
        fprintf(out, "%s%s = %s\n", s->text ? "" : "# ", s->opt->name, s->text ? s->text : "");
    }
}

void conf_help(const struct conf *c, FILE *out)
{
    const struct option_set *set = NULL;

    for (size_t i = 0; i < c->n; i++) {
        const struct setting *s = &c->settings[i];
        const struct option *o = s->opt;
        char flag[NAME_BYTES];
        if (s->set != set)
            fprintf(out, "\n%s:\n", s->set->title);
        set = s->set;
        snprintf(flag, sizeof flag, "--%s%s%s", o->name, o->type == OPT_FLAG ? "" : " ",
                 o->type == OPT_FLAG ? ""
                 : o->arg            ? o->arg
                                     : "VALUE");
        fprintf(out, "  %-28s %s", flag, o->help);
        if (o->fallback && o->type != OPT_FLAG)
            fprintf(out, " (default %s)", o->fallback);
        fputc('\n', out);
    }
}
