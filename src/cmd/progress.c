#include "cmd/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/found.h"

enum { EVERY_US = 100000, BAR_MAX = 30, BAR_MIN = 8, AROUND = 70 };

struct progress progress_begin(const char *name, int64_t first, int64_t total)
{
    return (struct progress){
        .terminal = terminal_of(STDERR_FILENO),
        .shown = isatty(STDERR_FILENO),
        .name = name,
        .total = total,
        .first = first,
        .begun_us = clock_mono_us(),
    };
}

static void add_bar(struct buf *out, double part, int width)
{
    int full = (int)(part * width);

    buf_str(out, "[");
    for (int i = 0; i < width; i++)
        buf_str(out, i < full ? "=" : i == full ? ">" : " ");
    buf_str(out, "]");
}

static void add_rate(struct buf *out, const struct progress *p, int64_t done, double seconds)
{
    double rate = seconds > 0.5 ? (double)(done - p->first) / seconds : 0, left;

    if (!(rate >= 1))
        return;
    buf_str(out, ", ");
    found_size(out, (int64_t)rate);
    left = (double)(p->total - done) / rate;
    buf_printf(out, " a second, %lld s to go", (long long)(left < 1e6 ? left : 1e6));
}

void progress_line(struct buf *out, const struct progress *p, int64_t done, double seconds)
{
    double part = p->total > 0 ? (double)done / (double)p->total : 0;
    int bar = p->terminal.width - AROUND;

    part = part < 0 ? 0 : part > 1 ? 1 : part;
    buf_printf(out, "%.40s  ", p->name);
    if (bar >= BAR_MIN)
        add_bar(out, part, bar > BAR_MAX ? BAR_MAX : bar);
    buf_printf(out, " %3d %%  ", (int)(part * 100));
    found_size(out, done);
    buf_str(out, " of ");
    found_size(out, p->total);
    add_rate(out, p, done, seconds);
}

void progress_at(struct progress *p, int64_t done)
{
    CLEANUP(buf_clear) struct buf line = BUF(1024);
    int64_t now = clock_mono_us();

    if (!p->shown || (now - p->last_us < EVERY_US && done != p->total))
        return;
    p->last_us = now;
    progress_line(&line, p, done, (double)(now - p->begun_us) / 1e6);
    fprintf(stderr, "\r%.*s\033[K", p->terminal.width - 1, line.data);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
}
