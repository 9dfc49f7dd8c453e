#include "cmd/progress.h"

#include <string.h>

#include "base/c23.h"
#include "test.h"

static const struct {
    const char *what;
    int width;
    int64_t first, done, total;
    double seconds;
    const char *line;
} rows[] = {
    {"nothing yet", 100, 0, 0, 1000000, 0,
     "yunet  [>                             ]   0 %  0 bytes of 1.0 MB"},
    {"half", 100, 0, 500000, 1000000, 2,
     "yunet  [===============>              ]  50 %  500.0 kB of 1.0 MB, 250.0 kB a second, 2 s to go"},
    {"half of it was there", 100, 500000, 500000, 1000000, 2,
     "yunet  [===============>              ]  50 %  500.0 kB of 1.0 MB"},
    {"the end", 100, 0, 1000000, 1000000, 4,
     "yunet  [==============================] 100 %  1.0 MB of 1.0 MB, 250.0 kB a second, 0 s to go"},
    {"no room for a bar", 60, 0, 500000, 1000000, 0, "yunet    50 %  500.0 kB of 1.0 MB"},
    {"more than all", 60, 0, 2000000, 1000000, 0, "yunet   100 %  2.0 MB of 1.0 MB"},
    {"all of nothing", 60, 0, 0, 0, 0, "yunet     0 %  0 bytes of 0 bytes"},
};

static void lines(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct progress p = {.terminal = {.width = rows[i].width},
                             .name = "yunet",
                             .first = rows[i].first,
                             .total = rows[i].total};
        struct buf out = BUF(1024);

        progress_line(&out, &p, rows[i].done, rows[i].seconds);
        CHECK_STR(out.data, rows[i].line);
        ROW("%s", rows[i].what);
        buf_clear(&out);
    }
}

int main(void)
{
    RUN(lines);
    return test_end();
}
