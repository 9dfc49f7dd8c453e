/* What the terminal at a descriptor can show. */
#ifndef ASSAY_CMD_TERMINAL_H
#define ASSAY_CMD_TERMINAL_H

#include <stdbool.h>

enum { TERMINAL_WIDTH = 80, TERMINAL_NARROWEST = 40, TERMINAL_WIDEST = 240 };

struct terminal {
    int width;   /* columns: the terminal's, else COLUMNS, else TERMINAL_WIDTH; within the two others */
    bool utf8;   /* the locale of the environment says so (LC_ALL, LC_CTYPE, LANG) */
    bool colour; /* a terminal, not TERM=dumb, and without NO_COLOR */
};
struct terminal terminal_of(int fd);

#endif
