#include "infer/cdecl_int.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

struct reader {
    struct arena *arena;
    const char *at, *end;
    struct cvalue *last; /* on this line: a comment behind it is its own */
    size_t items;
    int lines;
    struct cdecl **tail;
    struct cdefine **define_tail;
    struct ctype **type_tail;
    struct err *err;
};

static int stop(struct reader *r, const char *what)
{
    return FAIL(r->err, ERR_INPUT, "the C file cannot be read: %s (line %d)", what, r->lines);
}

/* ---- blanks, comments, directives ---- */

static bool looks_at(const struct reader *r, const char *s)
{
    size_t n = strlen(s);

    return (size_t)(r->end - r->at) >= n && !memcmp(r->at, s, n);
}

static void step(struct reader *r)
{
    if (*r->at++ == '\n') {
        r->lines++;
        r->last = NULL;
    }
}

static const char *trimmed(struct reader *r, const char *s, const char *end)
{
    while (s < end && isspace((unsigned char)*s))
        s++;
    while (end > s && isspace((unsigned char)end[-1]))
        end--;
    return arena_strndup(r->arena, s, (size_t)(end - s));
}

static void line_comment(struct reader *r)
{
    const char *begin = r->at + 2;

    while (r->at < r->end && *r->at != '\n')
        r->at++;
    if (r->last && !*r->last->comment)
        r->last->comment = trimmed(r, begin, r->at);
}

static void block_comment(struct reader *r)
{
    r->at += 2;
    while (r->at < r->end && !looks_at(r, "*/"))
        step(r);
    r->at += r->at < r->end ? 2 : 0;
}

static void skip(struct reader *r)
{
    for (;;)
        if (r->at < r->end && isspace((unsigned char)*r->at))
            step(r);
        else if (looks_at(r, "//"))
            line_comment(r);
        else if (looks_at(r, "/*"))
            block_comment(r);
        else
            return;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Numbers may have a sign in front and in the exponent. */
static const char *word(struct reader *r)
{
    const char *begin = r->at;

    if (*r->at == '-' || *r->at == '+')
        r->at++;
    while (r->at < r->end &&
           (is_word(*r->at) ||
            ((*r->at == '-' || *r->at == '+') && r->at > begin && (r->at[-1] == 'e' || r->at[-1] == 'E') &&
             (isdigit((unsigned char)*begin) || *begin == '-' || *begin == '.'))))
        r->at++;
    return arena_strndup(r->arena, begin, (size_t)(r->at - begin));
}

static const char *string(struct reader *r)
{
    const char *begin = ++r->at;
    char *text, *to;

    while (r->at < r->end && *r->at != '"' && *r->at != '\n')
        r->at += *r->at == '\\' && r->at + 1 < r->end && r->at[1] != '\n' ? 2 : 1;
    if (r->at >= r->end || *r->at != '"')
        return NULL;
    text = to = arena_strndup(r->arena, begin, (size_t)(r->at - begin));
    for (const char *s = begin; s < r->at; s++)
        *to++ = *s == '\\' && s + 1 < r->at ? *++s : *s;
    *to = '\0';
    r->at++;
    return text_is_utf8(text, strlen(text)) ? text : NULL;
}

static void end_of_line(struct reader *r)
{
    while (r->at < r->end && *r->at != '\n') {
        if (*r->at == '\\' && r->at + 1 < r->end)
            step(r);
        if (r->at < r->end)
            step(r);
    }
}

static void blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

static int directive(struct reader *r)
{
    struct cdefine *d;

    r->at++;
    blanks(r);
    if (looks_at(r, "define")) {
        r->at += strlen("define");
        blanks(r);
        if (++r->items > CDECL_MAX_ITEMS)
            return FAIL(r->err, ERR_LIMIT, "the C file has more than %d constants", CDECL_MAX_ITEMS);
        d = arena_alloc(r->arena, sizeof *d);
        d->name = r->at < r->end ? word(r) : "";
        blanks(r);
        while (r->at < r->end && *r->at == '(')
            r->at++;
        d->value = r->at < r->end && *r->at == '"' ? string(r) : r->at < r->end ? word(r) : "";
        if (!d->value)
            return stop(r, "a text does not end, or is no UTF-8");
        *r->define_tail = d;
        r->define_tail = &d->next;
    }
    end_of_line(r);
    return 0;
}

/* Past the bracket that closes the one here, and all between. */
static int pass_brackets(struct reader *r, char open, char close)
{
    int depth = 0;

    while (skip(r), r->at < r->end) {
        if (*r->at == '"') {
            if (!string(r))
                return stop(r, "a text does not end, or is no UTF-8");
            continue;
        }
        if (*r->at == '\'' && r->end - r->at > 3)
            r->at += r->at[1] == '\\' ? 3 : 2;
        depth += (*r->at == open) - (*r->at == close);
        step(r);
        if (!depth)
            return 0;
    }
    return stop(r, "a bracket does not close");
}

/* ---- values ---- */

static int read_list(struct reader *r, struct cvalue *list, int depth);

static int read_designator(struct reader *r, struct cvalue *v)
{
    skip(r);
    if (r->at + 1 >= r->end || *r->at != '.' || isdigit((unsigned char)r->at[1]))
        return 0;
    r->at++;
    v->designator = word(r);
    skip(r);
    if (r->at >= r->end || *r->at != '=')
        return stop(r, "a member without =");
    r->at++;
    return 0;
}

static int read_text(struct reader *r, struct cvalue *v)
{
    const char *more = string(r);

    if (!more)
        return stop(r, "a text does not end, or is no UTF-8");
    v->text = v->kind == CVALUE_TEXT ? arena_printf(r->arena, "%s%s", v->text, more) : more;
    v->kind = CVALUE_TEXT;
    return strlen(v->text) > 4096 ? stop(r, "a text is too long") : 0;
}

/* Up to the comma, semicolon or brace behind it. */
static int read_value(struct reader *r, struct cvalue *v, int depth)
{
    if (++r->items > CDECL_MAX_ITEMS)
        return FAIL(r->err, ERR_LIMIT, "the C file has more than %d constants", CDECL_MAX_ITEMS);
    v->text = v->designator = v->comment = "";
    if (read_designator(r, v) < 0)
        return -1;
    while (skip(r), r->at < r->end && !strchr(",;}", *r->at)) {
        int rc = 0;
        if (*r->at == '{')
            rc = v->kind == CVALUE_LIST ? stop(r, "a list follows a list") : read_list(r, v, depth + 1);
        else if (*r->at == '(')
            rc = pass_brackets(r, '(', ')');
        else if (*r->at == '"')
            rc = read_text(r, v);
        else if (v->kind == CVALUE_WORD && !*v->text &&
                 (is_word(*r->at) ||
                  ((*r->at == '-' || *r->at == '+') && r->at + 1 < r->end && is_word(r->at[1]))))
            v->text = word(r);
        else
            step(r);
        if (rc < 0)
            return -1;
        if (v->kind != CVALUE_LIST)
            r->last = v;
    }
    return r->at < r->end ? 0 : stop(r, "the file ends within a list");
}

static int read_list(struct reader *r, struct cvalue *list, int depth)
{
    struct cvalue **tail = &list->first;

    if (depth > CDECL_MAX_DEPTH)
        return stop(r, "lists are nested too deeply");
    list->kind = CVALUE_LIST;
    r->at++;
    for (skip(r); r->at < r->end && *r->at != '}'; skip(r)) {
        struct cvalue *v;
        if (*r->at == ',' || *r->at == ';') {
            r->at++;
            continue;
        }
        v = arena_alloc(r->arena, sizeof *v);
        *tail = v;
        tail = &v->next;
        if (read_value(r, v, depth) < 0)
            return -1;
    }
    if (r->at >= r->end)
        return stop(r, "a list does not close");
    r->at++;
    return 0;
}

/* ---- declarations ---- */

/* The words so far: a type, and a name that is the last. */
struct heading {
    struct buf type;
    const char *name;
};

static void add_word(struct reader *r, struct heading *h)
{
    if (h->name)
        buf_printf(&h->type, "%s ", h->name);
    h->name = word(r);
}

static void new_heading(struct heading *h)
{
    h->type.len = 0;
    h->name = NULL;
}

static int declaration(struct reader *r, struct heading *h)
{
    struct cdecl *d = arena_alloc(r->arena, sizeof *d);

    r->at++;
    if (h->type.overflow)
        return stop(r, "a declaration is too long");
    d->name = h->name ? h->name : "";
    d->type = h->type.len ? arena_strndup(r->arena, h->type.data, h->type.len) : "";
    *r->tail = d;
    r->tail = &d->next;
    new_heading(h);
    return read_value(r, &d->value, 0);
}

/* The last word before each semicolon, from the brace to the one that closes it; then the type's name. */
static int structure(struct reader *r, struct heading *h)
{
    struct ctype *t = arena_alloc(r->arena, sizeof *t);
    const char *last = NULL;

    h->type.len = 0;
    for (r->at++; skip(r), r->at < r->end && *r->at != '}';) {
        if (is_word(*r->at)) {
            last = word(r);
            continue;
        }
        if (*r->at == ';' && last)
            buf_printf(&h->type, "%s ", last);
        if (*r->at == '{' || *r->at == '(' || *r->at == '[') {
            if (pass_brackets(r, *r->at, *r->at == '{' ? '}' : *r->at == '(' ? ')' : ']') < 0)
                return -1;
        } else
            step(r);
    }
    if (r->at >= r->end || h->type.overflow)
        return stop(r, "a structure does not end, or is too long");
    r->at++;
    skip(r);
    t->members = h->type.len ? arena_strndup(r->arena, h->type.data, h->type.len) : "";
    t->name = r->at < r->end && is_word(*r->at) ? word(r) : "";
    *r->type_tail = t;
    r->type_tail = &t->next;
    new_heading(h);
    return 0;
}

/* What may stand outside of functions. */
static int outside(struct reader *r, struct heading *h)
{
    char c = *r->at;

    if (c == '#')
        return directive(r);
    if (is_word(c)) {
        add_word(r, h);
        return 0;
    }
    if (c == '=')
        return declaration(r, h);
    if (c == '[')
        return pass_brackets(r, '[', ']');
    if (c == '(')
        return pass_brackets(r, '(', ')');
    if (c == '"')
        return string(r) ? 0 : stop(r, "a text does not end, or is no UTF-8");
    if (c == '{' && text_is(h->name, "struct"))
        return structure(r, h);
    if (c == '{' && h->name && !text_is(h->name, "extern") && !text_is(h->name, "namespace")) {
        new_heading(h);
        return pass_brackets(r, '{', '}');
    }
    if (strchr(";{}", c))
        new_heading(h);
    step(r);
    return 0;
}

int cfile_read(struct arena *a, struct bytes text, struct cfile *ret, struct err *err)
{
    struct reader r = {.arena = a, .lines = 1, .err = err};
    struct heading h = {.type = BUF(1 << 12)};
    int rc = 0;

    if (text.len > CDECL_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "the C file has %zu bytes; at most %d are possible", text.len,
                    CDECL_MAX_BYTES);
    if (!text.len || memchr(text.data, 0, text.len))
        return FAIL(err, ERR_INPUT, "the file is no C text");
    *ret = (struct cfile){0};
    r.at = (const char *)text.data;
    r.end = r.at + text.len;
    r.tail = &ret->decls;
    r.define_tail = &ret->defines;
    r.type_tail = &ret->types;
    while (rc == 0 && (skip(&r), r.at < r.end))
        rc = outside(&r, &h);
    buf_clear(&h.type);
    return rc;
}

/* ---- looking things up ---- */

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);

    for (const char *s = words; (s = strstr(s, word)); s += n)
        if ((s == words || s[-1] == ' ') && s[n] == ' ')
            return true;
    return false;
}

const struct cdecl *cfile_typed(const struct cfile *f, const struct cdecl *from, const char *word)
{
    for (const struct cdecl *d = from ? from->next : f->decls; d; d = d->next)
        if (has_word(d->type, word))
            return d;
    return NULL;
}

const struct cdecl *cfile_named(const struct cfile *f, const char *name)
{
    for (const struct cdecl *d = f->decls; *name && d; d = d->next)
        if (text_is(d->name, name))
            return d;
    return NULL;
}

const char *cfile_define(const struct cfile *f, const char *name)
{
    for (const struct cdefine *d = f->defines; d; d = d->next)
        if (text_is(d->name, name))
            return d->value;
    return NULL;
}

const char *cfile_member(struct arena *a, const struct cfile *f, const char *type, size_t i)
{
    for (const struct ctype *t = f->types; t; t = t->next) {
        const char *s = t->members;
        if (!text_is(t->name, type))
            continue;
        for (; *s && i; i--)
            s = strchr(s, ' ') + 1;
        return *s ? arena_strndup(a, s, (size_t)(strchr(s, ' ') - s)) : NULL;
    }
    return NULL;
}

size_t cvalue_count(const struct cvalue *list)
{
    size_t n = 0;

    for (const struct cvalue *v = list ? list->first : NULL; v; v = v->next)
        n++;
    return n;
}

const struct cvalue *cvalue_at(const struct cvalue *list, size_t i)
{
    const struct cvalue *v = list ? list->first : NULL;

    while (v && i--)
        v = v->next;
    return v;
}

const struct cvalue *cvalue_member(const struct cvalue *list, const char *name)
{
    for (const struct cvalue *v = list ? list->first : NULL; v; v = v->next)
        if (text_is(v->designator, name))
            return v;
    return NULL;
}

/* "1.0f", "12u", "-128": a suffix may follow. */
static bool number_of(const char *s, double *ret)
{
    char digits[64];
    size_t n = strlen(s);
    bool hex = n > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');

    while (n && strchr(hex ? "uUlL" : "fFuUlL", s[n - 1]))
        n--;
    if (!n || n >= sizeof digits || hex)
        return false;
    memcpy(digits, s, n);
    digits[n] = '\0';
    if (digits[n - 1] == '.') /* "1.f" */
        digits[n - 1] = '\0';
    return text_to_double(digits, ret);
}

bool cvalue_number(const struct cfile *f, const struct cvalue *v, double *ret)
{
    const char *s = v && v->kind == CVALUE_WORD ? v->text : NULL;

    for (int depth = 0; s && *s && depth < 4; depth++) {
        if (number_of(s, ret))
            return true;
        s = cfile_define(f, s);
    }
    return false;
}
