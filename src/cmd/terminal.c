#include "cmd/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

static int width_of(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    int64_t n = 0;

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        n = size.ws_col;
    else if (!columns || !text_to_i64(columns, &n) || n <= 0)
        n = TERMINAL_WIDTH;
    if (n < TERMINAL_NARROWEST)
        return TERMINAL_NARROWEST;
    return n < TERMINAL_WIDEST ? (int)n : TERMINAL_WIDEST;
}

/* This program never calls setlocale: the first of these that is set names the character set. */
static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
    }
    return false;
}

struct terminal terminal_of(int fd)
{
    const char *no = getenv("NO_COLOR");

    return (struct terminal){
        .width = width_of(fd),
        .utf8 = is_utf8(),
        .colour = isatty(fd) && !(no && *no) && !text_is(getenv("TERM"), "dumb"),
    };
}
