/* Configuration from one table: an option is declared once, beside its module, and from that row come the
 * flag
 * (--name), the environment variable (ASSAY_NAME), the line of the configuration file (name = value), the
 * range check, the help and `--print-config`.
 *
 * Later sources win: default < file < environment < flag. Values land in the module's own plain struct.
 * Used at start and when a server reads its configuration again, by one thread. Strings live in the arena.
 * Errors are ERR_INPUT and name the option and its source. */
#ifndef ASSAY_CONF_CONF_H
#define ASSAY_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

enum option_type {
    OPT_STRING,   /* const char *, NULL when not given and without default */
    OPT_FLAG,     /* bool; as a flag without value: --json, --no-json */
    OPT_INT,      /* int64_t */
    OPT_DOUBLE,   /* double */
    OPT_BYTES,    /* int64_t; "512", "64K", "100M", "2G" (powers of 1024) */
    OPT_DURATION, /* int64_t milliseconds; "250ms", "60s", "5m", "24h", "30d" */
};

struct option {
    const char *name; /* "max-upload": lower case, words joined by '-' */
    enum option_type type;
    size_t offset;        /* of the value in the target struct */
    const char *fallback; /* default as text, NULL = none */
    double min, max;      /* of the parsed number; both 0 = any */
    const char *arg;      /* "ADDRESS:PORT", for the help */
    const char *help;     /* one line */
};

struct option_set {
    const char *title; /* "HTTP" */
    const struct option *rows;
    size_t n;
    void *target;
};

/* "250ms", "60s", "5m", "24h", "30d"; false on anything else. For options which hold several. */
bool conf_duration(const char *text, int64_t *ret_ms);

struct conf;

/* Sets all defaults. `sets` is borrowed. A default out of its own range is a bug and ends the process. */
struct conf *conf_new(struct arena *a, const struct option_set *sets, size_t nsets);

/* Lines `name = value`; blank lines and lines starting with # are skipped. Unknown names are errors. At most
 * 1 MiB. */
int conf_file(struct conf *c, const char *path, struct err *err);
/* Reads the variables of known options; unknown ASSAY_ names are ignored. */
int conf_environment(struct conf *c, char *const *env, struct err *err);
/* Reads --name VALUE and --name=VALUE anywhere in argv[1..]; what is left (positional arguments) is moved to
 * the front and counted.
 * "--" ends the flags. */
int conf_flags(struct conf *c, int *argc, char **argv, struct err *err);
/* All of the above. The file is --config PATH or ASSAY_CONFIG, if either is given. */
int conf_read(struct conf *c, int *argc, char **argv, char *const *env, struct err *err);

/* The options whose values differ between two readings of the same sets, by their texts (NULL: not set). */
void conf_compare(const struct conf *old, const struct conf *now,
                  void (*differs)(void *arg, const char *name, const char *was, const char *is), void *arg);

/* Every option as a line of a configuration file, with its source behind it: readable by conf_file. */
void conf_print(const struct conf *c, FILE *out);
/* The options' part of a --help. */
void conf_help(const struct conf *c, FILE *out);

#endif
