#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"

enum { VALUE_MAX_BYTES = 1024, LINE_MAX_BYTES = 64 << 10 };

static atomic_int current = LOG_INFO;
static atomic_bool as_json;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(enum log_level level, bool json)
{
    atomic_store(&current, (int)level);
    atomic_store(&as_json, json);
}

bool log_wants(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current, memory_order_relaxed);
}

/* ---- values ---- */

/* A hostile file name must not be able to forge a second line or a terminal escape (ASCII's, and those which
 * are two bytes in UTF-8), nor to make a line that is no JSON. */
static void defuse(char *s)
{
    bool utf8 = text_is_utf8(s, strlen(s));

    for (; *s; s++) {
        unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
            *s = '?';
        else if (c == 0xc2 && next < 0xa0)
            s[0] = s[1] = '?';
    }
}

static int64_t next_int(va_list *args, int longs, bool size)
{
    if (size)
        return (int64_t)va_arg(*args, size_t);
    return longs > 1 ? va_arg(*args, long long) : longs ? va_arg(*args, long) : va_arg(*args, int);
}

static uint64_t next_unsigned(va_list *args, int longs, bool size)
{
    if (size)
        return va_arg(*args, size_t);
    return longs > 1 ? va_arg(*args, unsigned long long)
           : longs   ? va_arg(*args, unsigned long)
                     : va_arg(*args, unsigned);
}

/* Cut to what still fits, between two characters. */
static void add_text(struct buf *value, const char *s, size_t max)
{
    size_t room = value->max - value->len, n;

    s = s ? s : "(null)";
    n = strnlen(s, max < room ? max : room);
    while (n > 0 && n == room && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    buf_add(value, s, n);
}

static size_t read_digits(const char **f)
{
    size_t n = 0;

    for (; **f >= '0' && **f <= '9'; (*f)++)
        n = n * 10 + (size_t)(**f - '0');
    return n;
}

/* One conversion of the format, from behind its %; returns what follows, NULL for one that it does not know:
 * what comes behind that cannot be read either. */
static const char *add_conversion(struct buf *value, const char *f, va_list *args)
{
    size_t width = read_digits(&f), max = SIZE_MAX;
    int longs = 0;
    bool size = false;

    if (*f == '.') {
        f++;
        max = read_digits(&f);
    }
    for (; *f == 'l'; f++)
        longs++;
    for (; *f == 'z'; f++)
        size = true;
    if (*f == 's')
        add_text(value, va_arg(*args, const char *), max);
    else if (*f == 'd' || *f == 'i')
        buf_printf(value, "%lld", (long long)next_int(args, longs, size));
    else if (*f == 'u')
        buf_printf(value, "%llu", (unsigned long long)next_unsigned(args, longs, size));
    else if (*f == 'x')
        buf_printf(value, "%0*llx", (int)width, (unsigned long long)next_unsigned(args, longs, size));
    else if (*f == 'f')
        buf_printf(value, "%.*f", max > 9 ? 6 : (int)max, va_arg(*args, double));
    else
        return NULL;
    return f + 1;
}

/* ---- fields ---- */

static void add_quoted(struct buf *b, const char *s, size_t n)
{
    buf_str(b, "\"");
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"' || s[i] == '\\')
            buf_str(b, "\\");
        buf_add(b, s + i, 1);
    }
    buf_str(b, "\"");
}

/* Text: bare when that has one reading. */
static void add_field(struct buf *line, bool json, const char *name, size_t name_len, const char *value)
{
    if (json) {
        buf_str(line, ",");
        add_quoted(line, name, name_len);
        buf_str(line, ":");
    } else {
        buf_str(line, " ");
        buf_add(line, name, name_len);
        buf_str(line, "=");
    }
    if (json || !*value || strpbrk(value, " =\"\\"))
        add_quoted(line, value, strlen(value));
    else
        buf_str(line, value);
}

/* The format says where a field begins and ends, so no value can. */
static void add_fields(struct buf *line, bool json, const char *f, va_list *args)
{
    while (f && *f) {
        struct buf value = BUF(VALUE_MAX_BYTES);
        const char *name = f;
        size_t name_len = strcspn(f, "=");
        for (f += name_len + (f[name_len] == '='); f && *f && *f != ' ';)
            if (*f == '%')
                f = add_conversion(&value, f + 1, args);
            else
                buf_add(&value, f++, 1);
        if (value.data)
            defuse(value.data);
        add_field(line, json, name, name_len, value.data ? value.data : "");
        buf_clear(&value);
        if (f && *f == ' ')
            f++;
    }
}

void log_line(enum log_level level, const char *what, const char *fields, ...)
{
    struct buf line = BUF(LINE_MAX_BYTES);
    bool json = atomic_load(&as_json);
    char when[CLOCK_TEXT];
    va_list args;
    ssize_t written UNUSED;

    if (!log_wants(level))
        return;
    clock_rfc3339(when, clock_wall_us());
    buf_printf(&line, json ? "{\"time\":\"%s\",\"level\":\"%s\",\"what\":\"%s\"" : "%s %-5s %s", when,
               level_names[level], what);
    if (fields) {
        va_start(args, fields);
        add_fields(&line, json, fields, &args);
        va_end(args);
    }
    buf_str(&line, json ? "}\n" : "\n");
    written = write(STDERR_FILENO, line.data, line.len); /* nobody to tell when this fails */
    buf_clear(&line);
}
