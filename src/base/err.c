#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const codes[ERR_KIND_COUNT] = {
    [ERR_NONE] = "ok",
    [ERR_INPUT] = "bad_input",
    [ERR_DECODE] = "cannot_decode",
    [ERR_NO_STREAM] = "no_stream",
    [ERR_LIMIT] = "too_large",
    [ERR_TIMEOUT] = "timeout",
    [ERR_CANCELLED] = "cancelled",
    [ERR_MODEL] = "model_failure",
    [ERR_NOT_FOUND] = "not_found",
    [ERR_DENIED] = "denied",
    [ERR_CONFLICT] = "conflict",
    [ERR_BUSY] = "busy",
    [ERR_QUOTA] = "over_quota",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_CRASH] = "analyst_crashed",
    [ERR_IO] = "io_error",
    [ERR_FULL] = "disk_full",
    [ERR_INTERNAL] = "internal_error",
    [ERR_SOURCE] = "cannot_fetch",
};

void err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return;
    err->kind = kind;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    text_mend(err->text);
}

void err_set_errno(struct err *err, const char *fmt, ...)
{
    int code = errno;
    va_list args;
    size_t len;

    if (!err)
        return;
    err->kind = ERR_IO;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    len = strlen(err->text);
    snprintf(err->text + len, sizeof err->text - len, ": %s", strerror(code));
}

const char *err_code(enum err_kind kind)
{
    return (unsigned)kind < ERR_KIND_COUNT ? codes[kind] : codes[ERR_INTERNAL];
}

enum err_kind err_kind_of(const char *code)
{
    for (int kind = 0; kind < ERR_KIND_COUNT; kind++)
        if (strcmp(codes[kind], code) == 0)
            return (enum err_kind)kind;
    return ERR_INTERNAL;
}
