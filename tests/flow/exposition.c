#include "exposition.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct reader {
    struct arena *a;
    struct exposition *e;
    size_t families_cap, samples_cap;
    int current; /* the family whose samples may come now; -1 = none */
};

static bool is_name(const char *s, size_t n, bool colons)
{
    if (n == 0 || isdigit((unsigned char)*s))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_' && (s[i] != ':' || !colons))
            return false;
    return true;
}

static int family_of(const struct exposition *e, const char *name)
{
    for (size_t i = 0; i < e->nfamilies; i++)
        if (text_is(e->families[i].name, name))
            return (int)i;
    return -1;
}

/* ---- comments ---- */

static const char *read_help(struct reader *r, char *rest)
{
    char *text = strchr(rest, ' ');

    if (!text || !is_name(rest, (size_t)(text - rest), true))
        return "HELP without a name or a text";
    *text++ = '\0';
    if (family_of(r->e, rest) >= 0)
        return "a second HELP";
    for (char *s = text; *s; s++)
        if (*s == '\\' && *++s != '\\' && *s != 'n')
            return "a bad escape in HELP";
    ARENA_PUSH(r->a, r->e->families, r->e->nfamilies, r->families_cap) = (struct family){rest, NULL, text};
    r->current = (int)r->e->nfamilies - 1;
    return strlen(text) > 5 ? NULL : "HELP helps nobody";
}

static const char *read_type(struct reader *r, char *rest)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    char *type = strchr(rest, ' ');
    bool known = false;

    if (!type)
        return "TYPE without a type";
    *type++ = '\0';
    for (size_t i = 0; i < COUNT_OF(types); i++)
        known |= text_is(type, types[i]);
    if (!known)
        return "an unknown type";
    if (r->current < 0 || !text_is(r->e->families[r->current].name, rest))
        return "TYPE does not follow its HELP";
    if (r->e->families[r->current].type)
        return "a second TYPE";
    r->e->families[r->current].type = type;
    return text_ends(rest, "_total") == text_is(type, "counter") ? NULL : "a counter's name ends in _total";
}

/* ---- samples ---- */

/* Moves behind "}"; NULL when they are no labels. */
static char *skip_labels(char *s)
{
    do {
        char *name = ++s;
        while (*s && *s != '=')
            s++;
        if (!is_name(name, (size_t)(s - name), false) || *s != '=' || *++s != '"')
            return NULL;
        for (s++; *s && *s != '"'; s++)
            if (*s == '\\' && *++s != '\\' && *s != '"' && *s != 'n')
                return NULL;
        if (*s++ != '"')
            return NULL;
    } while (*s == ',');
    return *s == '}' ? s + 1 : NULL;
}

/* The family's own name, or for a histogram one of its parts. */
static bool belongs(const struct family *f, const char *name)
{
    size_t n = strlen(f->name);

    if (!text_is(f->type, "histogram"))
        return text_is(f->name, name);
    return text_starts(name, f->name) &&
           (text_is(name + n, "_bucket") || text_is(name + n, "_sum") || text_is(name + n, "_count"));
}

static const char *read_sample(struct reader *r, char *line)
{
    size_t n = strcspn(line, "{ ");
    char *end = line + n, *rest;
    struct sample s = {.name = arena_strndup(r->a, line, n), .family = r->current};

    if (!is_name(line, n, true))
        return "no name";
    if (*end == '{' && !(end = skip_labels(end)))
        return "bad labels";
    if (*end != ' ')
        return "no value";
    s.series = arena_strndup(r->a, line, (size_t)(end - line));
    s.value = strtod(end + 1, &rest);
    if (rest == end + 1 || *rest)
        return "the value is no number, or more comes behind it";
    if (r->current < 0 || !r->e->families[r->current].type || !belongs(&r->e->families[r->current], s.name))
        return "it belongs to another family";
    if (!text_is(r->e->families[r->current].type, "gauge") && s.value < 0)
        return "less than nothing";
    if (exposition_value(r->e, s.series) >= 0)
        return "a second time";
    ARENA_PUSH(r->a, r->e->samples, r->e->nsamples, r->samples_cap) = s;
    return NULL;
}

/* ---- histograms ---- */

/* The series of a bucket without its le, and with another name: "x_bucket{a="b",le="1"}" -> "x_count{a="b"}".
 */
static const char *sibling(struct arena *a, const struct sample *bucket, const struct family *f,
                           const char *part)
{
    const char *labels = strchr(bucket->series, '{'), *le = strstr(bucket->series, "le=\"");
    size_t n = (size_t)(le - labels);

    if (n == 1)
        return arena_printf(a, "%s%s", f->name, part);
    return arena_printf(a, "%s%s%.*s}", f->name, part, (int)n - 1, labels);
}

/* All buckets of one series, from the one at *at. */
static const char *check_buckets(struct reader *r, const struct family *f, size_t *at)
{
    const struct exposition *e = r->e;
    const char *count = sibling(r->a, &e->samples[*at], f, "_count");
    double last_le = -1, last = 0, le = 0;

    for (; *at < e->nsamples && text_ends(e->samples[*at].name, "_bucket") &&
           text_is(sibling(r->a, &e->samples[*at], f, "_count"), count);
         (*at)++) {
        const struct sample *s = &e->samples[*at];
        le = strtod(strstr(s->series, "le=\"") + 4, NULL); /* "+Inf" is infinity to strtod */
        if (le <= last_le)
            return "bounds do not ascend";
        if (s->value < last)
            return "buckets are not cumulative";
        last_le = le;
        last = s->value;
    }
    if (le < 1e300)
        return "the last bucket is not +Inf";
    if (exposition_value(e, count) != last)
        return "+Inf is not the count";
    return exposition_value(e, sibling(r->a, &e->samples[*at - 1], f, "_sum")) < 0 ? "there is no sum" : NULL;
}

static const char *check_histograms(struct reader *r)
{
    const char *why = NULL;

    for (size_t at = 0; at < r->e->nsamples && !why;) {
        const struct family *f = &r->e->families[r->e->samples[at].family];
        if (text_is(f->type, "histogram") && text_ends(r->e->samples[at].name, "_bucket"))
            why = check_buckets(r, f, &at);
        else
            at++;
        if (why)
            why = arena_printf(r->a, "%s: %s", f->name, why);
    }
    return why;
}

/* ---- outside ---- */

const char *exposition_read(struct arena *a, struct bytes text, struct exposition *ret)
{
    struct reader r = {.a = a, .e = ret, .current = -1};
    char *rest = arena_strndup(a, (const char *)text.data, text.len), *line;
    const char *why;

    *ret = (struct exposition){0};
    if (strlen(rest) != text.len || !text_is_utf8(rest, text.len))
        return "bytes that are no UTF-8";
    if (!text_ends(rest, "\n"))
        return "the last line does not end";
    while ((line = strsep(&rest, "\n")) && rest) {
        const char *shown = arena_strdup(a, line);
        if (text_starts(line, "# HELP "))
            why = read_help(&r, line + 7);
        else if (text_starts(line, "# TYPE "))
            why = read_type(&r, line + 7);
        else
            why = read_sample(&r, line);
        if (why)
            return arena_printf(a, "%s: %s", why, shown);
    }
    for (size_t i = 0; i < ret->nfamilies; i++)
        if (!ret->families[i].type)
            return arena_printf(a, "%s has no TYPE", ret->families[i].name);
    return check_histograms(&r);
}

double exposition_value(const struct exposition *e, const char *series)
{
    for (size_t i = 0; i < e->nsamples; i++)
        if (text_is(e->samples[i].series, series))
            return e->samples[i].value;
    return -1;
}

const char *exposition_grows(struct arena *a, const struct exposition *before, const struct exposition *now)
{
    for (size_t i = 0; i < before->nsamples; i++) {
        const struct sample *s = &before->samples[i];
        if (!text_is(before->families[s->family].type, "gauge") &&
            exposition_value(now, s->series) < s->value)
            return arena_printf(a, "%s was %g and is %g", s->series, s->value,
                                exposition_value(now, s->series));
    }
    return NULL;
}
