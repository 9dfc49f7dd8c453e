/* The log: one line per decision, with fields, to stderr. Text for people or one JSON object a line.
 * Never per frame above debug. Thread safe (one write per line). The level and format are the only mutable
 * globals of the program; set at start and when the configuration is read again.
 *
 *     log_info("job ended", "job=%s why=%s", id, why);   ->   2026-... info  job ended job=5f why="no disk"
 *
 * Every line about a job carries job=ID, every line about a request req=ID. */
#ifndef ASSAY_BASE_LOG_H
#define ASSAY_BASE_LOG_H

#include <stdbool.h>

#include "base/c23.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_setup(enum log_level level, bool json);
bool log_wants(enum log_level level);
/* `fields` is a printf format of space-separated name=value pairs, or NULL. It knows %s %d %i %u %x %f, a
 * width of %x, a precision of %s and %f, l, ll and z; a field with anything else is the last. Whatever a
 * value holds, it can neither end its field nor the line: one with blanks, quotes or '=' is quoted, control
 * characters are replaced. A value is cut at 1 KiB. */
void log_line(enum log_level level, const char *what, const char *fields, ...) PRINTF(3, 4);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) (log_wants(LOG_DEBUG) ? log_line(LOG_DEBUG, __VA_ARGS__) : (void)0)

#endif
