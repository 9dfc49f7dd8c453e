/* A line of names, then readings. Lines end with LF, CR LF or CR; a field may stand in double quotes. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "media/recording_int.h"

struct table {
    struct reader *r;
    char *at, *end; /* what is not read yet; the file is cut up where it lies */
    size_t lines;   /* read so far */
    char separator; /* ',' ';' or tab */
    size_t columns;
    size_t time;   /* the column "timestamp"; `columns` without */
    double *times; /* of each reading */
    size_t ntimes, max_times;
};

struct line {
    char *at, *end; /* at NULL: no field is left */
    size_t number;
};

/* ---- lines and fields ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line that has something in it. */
static bool next_line(struct table *t, struct line *ret)
{
    while (t->at < t->end) {
        char *s = t->at, *end = memchr(s, '\n', (size_t)(t->end - s));

        end = end ? end : t->end;
        *ret = (struct line){s, end, ++t->lines};
        t->at = end < t->end ? end + 1 : end;
        while (s < end && is_blank(*s))
            s++;
        *end = '\0'; /* behind the last line is padding */
        if (s < end)
            return true;
    }
    return false;
}

/* What stands in quotes is moved over the opening one; `""` is a quote. *ret_end is behind the text, what is
 * returned behind the closing quote. */
static char *unquote(char *s, char *end, char **ret_end)
{
    char *to = s;

    for (s++; s < end && (*s != '"' || s[1] == '"'); *to++ = *s++)
        s += *s == '"';
    *ret_end = to;
    return s < end ? s + 1 : s;
}

/* Blanks around it are not part of it; a NUL is behind it. */
static bool next_field(const struct table *t, struct line *l, struct bytes *ret)
{
    char *s = l->at, *stop = NULL, *comma, *rest;

    if (!s)
        return false;
    while (s < l->end && is_blank(*s) && *s != t->separator)
        s++;
    rest = *s == '"' ? unquote(s, l->end, &stop) : s;
    comma = memchr(rest, t->separator, (size_t)(l->end - rest));
    comma = comma ? comma : l->end;
    l->at = comma < l->end ? comma + 1 : NULL;
    while (comma > rest && is_blank(comma[-1]))
        comma--;
    if (rest == s)
        stop = comma;
    else if (rest < comma)
        *stop++ = '"'; /* more behind the closing quote: nothing that is a number */
    *stop = '\0';
    *ret = bytes_of(s, (size_t)(stop - s));
    return true;
}

static bool is_number(struct bytes field, double *ret)
{
    size_t n = recording_number((const char *)field.data, ret);

    return n > 0 && n == field.len;
}

/* ---- the first line ---- */

static char separator_of(const struct line *l)
{
    static const char separators[] = ",;\t";

    for (const char *s = separators; *s; s++)
        if (memchr(l->at, *s, (size_t)(l->end - l->at)))
            return *s;
    return ',';
}

static int take_names(struct table *t, struct line l, struct err *err)
{
    struct bytes field;
    bool named = false, timed = false;
    double v;

    t->separator = separator_of(&l);
    for (; next_field(t, &l, &field); t->columns++) {
        named = named || !is_number(field, &v);
        if (!timed && text_is_nocase((const char *)field.data, "timestamp")) {
            t->time = t->columns;
            timed = true;
        } else if (recording_add_axis(t->r, field, bytes_of(NULL, 0), err) < 0)
            return -1;
    }
    if (!named)
        return FAIL(err, ERR_INPUT,
                    "Could not parse this CSV file: its first line has numbers instead of names. "
                    "Add a line like \"timestamp,accX,accY,accZ\" before it.");
    if (!t->r->axes.n)
        return FAIL(err, ERR_INPUT, "Could not parse this CSV file: it has no column beside \"timestamp\".");
    if (!timed)
        t->time = t->columns;
    return 0;
}

/* ---- readings ---- */

static int take_time(struct table *t, struct bytes field, size_t line, struct err *err)
{
    if (t->ntimes == t->max_times)
        return FAIL(err, ERR_LIMIT, "The recording has more than %zu readings; cut it into several.",
                    t->max_times);
    if (!is_number(field, &t->times[t->ntimes]))
        return FAIL(err, ERR_INPUT, "Line %zu: the timestamp \"%.20s\" is not a number of milliseconds.",
                    line, (const char *)field.data);
    t->ntimes++;
    return 0;
}

static int take_field(struct table *t, size_t column, struct bytes field, size_t line, struct err *err)
{
    double v;

    if (column == t->columns)
        return FAIL(err, ERR_INPUT, "Line %zu has more columns than the first line names (%zu).", line,
                    t->columns);
    if (column == t->time)
        return take_time(t, field, line, err);
    if (!is_number(field, &v))
        return recording_not_number(t->r, (const char *)field.data, field.len, "Line", line, err);
    return recording_put(t->r, v, "Line", line, err);
}

static int take_reading(struct table *t, struct line l, struct err *err)
{
    struct bytes field;
    size_t column = 0;

    for (; next_field(t, &l, &field); column++)
        if (take_field(t, column, field, l.number, err) < 0)
            return -1;
    if (column < t->columns)
        return FAIL(err, ERR_INPUT, "Line %zu has %zu column%s, but the first line names %zu.", l.number,
                    column, column == 1 ? "" : "s", t->columns);
    return 0;
}

/* ---- time ---- */

/* How far a time may be from where an even step puts it: clocks that count whole milliseconds, and a little
 * jitter, but no reading that is missing. */
static double slack(double step)
{
    return step > 2 ? step / 2 : 1;
}

/* Lines are counted as if none were empty, which is near enough for a sentence. */
static int check_time(const struct table *t, size_t i, double step, struct err *err)
{
    double before = t->times[i - 1], now = t->times[i];

    if (fabs(now - before - step) > slack(step))
        return FAIL(err, ERR_INPUT,
                    "Reading %zu comes %.9g ms after the one before, but they are %.6g ms apart "
                    "on average: the step must be constant. Fill gaps or resample.",
                    i + 1, now - before, step);
    if (fabs(now - t->times[0] - (double)i * step) > slack(step))
        return FAIL(err, ERR_INPUT,
                    "Reading %zu comes at %.9g ms, where a constant step would put it at %.9g: "
                    "resample the recording.",
                    i + 1, now, t->times[0] + (double)i * step);
    return 0;
}

static int take_interval(struct table *t, struct err *err)
{
    double step, worst = 0;

    if (t->ntimes < 2)
        return 0;
    step = (t->times[t->ntimes - 1] - t->times[0]) / (double)(t->ntimes - 1);
    if (!(step > 0) || !isfinite(step))
        return FAIL(err, ERR_INPUT, "The timestamps do not rise: the first is %.9g ms, the last %.9g.",
                    t->times[0], t->times[t->ntimes - 1]);
    for (size_t i = 1; i < t->ntimes; i++) {
        if (check_time(t, i, step, err) < 0)
            return -1;
        worst = fmax(worst, fabs(t->times[i] - t->times[0] - (double)i * step));
    }
    t->r->facts.interval_ms = step;
    if (worst > step / 100)
        t->r->facts.note = "The timestamps are not quite even; their average step is taken as the interval.";
    return 0;
}

/* ---- all together ---- */

static int prepare(struct table *t, struct err *err)
{
    struct reader *r = t->r;

    if (memchr(r->text, '\0', r->len))
        return FAIL(err, ERR_INPUT, "Could not parse this CSV file: it is no plain text. Save it as UTF-8.");
    if (!memchr(r->text, '\n', r->len))
        for (char *s = r->text; s < t->end; s++)
            *s = *s == '\r' ? '\n' : *s;
    if (strncmp(t->at, "\xef\xbb\xbf", 3) == 0)
        t->at += 3;
    return 0;
}

static int make_room(struct table *t, struct err *err)
{
    size_t most = t->r->len / 2 + 1;

    if (recording_room(t->r, most, err) < 0)
        return -1;
    if (t->time == t->columns)
        return 0;
    t->max_times = most / t->columns + 1; /* a reading has two bytes for each column at least */
    if (t->max_times > RECORDING_MAX_NUMBERS)
        t->max_times = RECORDING_MAX_NUMBERS;
    if (!(t->times = arena_try(t->r->scratch, t->max_times * sizeof *t->times)))
        return FAIL(err, ERR_LIMIT, "There is no memory for %zu readings.", t->max_times);
    return 0;
}

int recording_csv(struct reader *r, struct err *err)
{
    struct table t = {.r = r, .at = r->text, .end = r->text + r->len};
    struct line names, line, second;
    bool more;

    if (prepare(&t, err) < 0)
        return -1;
    if (!next_line(&t, &names))
        return FAIL(err, ERR_INPUT, "Could not parse this CSV file: there is nothing in it.");
    if (take_names(&t, names, err) < 0 || make_room(&t, err) < 0)
        return -1;
    if (!next_line(&t, &line))
        return FAIL(err, ERR_INPUT, "Could not parse this CSV file: there is no reading below the names.");
    more = next_line(&t, &second);
    if (more && t.time == t.columns)
        return FAIL(err, ERR_INPUT,
                    "Could not parse this CSV file: it has several rows, but no column "
                    "\"timestamp\". Add one with the time in milliseconds as the first column, "
                    "or send a single row.");
    if (take_reading(&t, line, err) < 0)
        return -1;
    for (line = second; more; more = next_line(&t, &line))
        if (take_reading(&t, line, err) < 0)
            return -1;
    return take_interval(&t, err);
}
