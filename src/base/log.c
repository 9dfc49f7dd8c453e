#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 2048 };

static enum log_level current = LOG_INFO;
static bool as_json;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(enum log_level level, bool json)
{
    current = level;
    as_json = json;
}

bool log_wants(enum log_level level)
{
    return level <= current;
}

/* A hostile file name must not be able to forge a second line or a terminal escape. */
static void defuse(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

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

/* "a=1 b=x y" becomes ,"a":"1","b":"x y": a field ends where the next name= begins. */
static void add_fields(struct buf *b, const char *s)
{
    while (*s) {
        const char *eq = strchr(s, '='), *end, *next;
        if (!eq)
            break;
        next = strchr(eq + 1, '=');
        end = next ? next : s + strlen(s);
        while (next && end > eq + 1 && *end != ' ')
            end--;
        buf_str(b, ",");
        add_quoted(b, s, (size_t)(eq - s));
        buf_str(b, ":");
        add_quoted(b, eq + 1, (size_t)(end - eq - 1));
        s = *end == ' ' ? end + 1 : end;
    }
}

void log_line(enum log_level level, const char *what, const char *fields, ...)
{
    char when[CLOCK_TEXT], text[LINE_MAX_BYTES] = "";
    struct buf line = BUF(2 * LINE_MAX_BYTES);
    va_list args;
    ssize_t written UNUSED;

    if (!log_wants(level))
        return;
    if (fields) {
        va_start(args, fields);
        vsnprintf(text, sizeof text, fields, args);
        va_end(args);
        defuse(text);
    }
    clock_rfc3339(when, clock_wall_us());
    if (as_json) {
        buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"what\":\"%s\"", when, level_names[level],
                   what);
        add_fields(&line, text);
        buf_str(&line, "}\n");
    } else {
        buf_printf(&line, "%s %-5s %s%s%s\n", when, level_names[level], what, *text ? " " : "", text);
    }
    written = write(STDERR_FILENO, line.data, line.len); /* nobody to tell when this fails */
    buf_clear(&line);
}
