/* A test program prints TAP and is read by `meson test`. Rows over functions, functions over frameworks:
 *
 *     static void trims_control_characters(void) { CHECK_STR(text, "a.mp4"); }
 *     int main(void) { RUN(trims_control_characters); return test_end(); }
 */
#ifndef ASSAY_TEST_H
#define ASSAY_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_count, test_failures;
static bool test_ok;
static const char *test_skip;

#define CHECK(cond)                                                       \
    do {                                                                  \
        if (!(cond)) {                                                    \
            test_ok = false;                                              \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
        }                                                                 \
    } while (0)
#define CHECK_STR(got, want)                                                                                \
    do {                                                                                                    \
        const char *got_ = (got), *want_ = (want);                                                          \
        if (!got_ || strcmp(got_, want_) != 0) {                                                            \
            test_ok = false;                                                                                \
            printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got, got_ ? got_ : "(null)", \
                   want_);                                                                                  \
        }                                                                                                   \
    } while (0)
#define CHECK_INT(got, want)                                                                  \
    do {                                                                                      \
        long long got_ = (long long)(got), want_ = (long long)(want);                         \
        if (got_ != want_) {                                                                  \
            test_ok = false;                                                                  \
            printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, want_); \
        }                                                                                     \
    } while (0)
#define CHECK_NEAR(got, want, eps)                                                              \
    do {                                                                                        \
        double got_ = (got), want_ = (want);                                                    \
        if (!(got_ - want_ <= (eps) && want_ - got_ <= (eps))) {                                \
            test_ok = false;                                                                    \
            printf("# %s:%d: %s is %.17g, not %.17g\n", __FILE__, __LINE__, #got, got_, want_); \
        }                                                                                       \
    } while (0)
/* In a test: report it as skipped and leave. */
#define SKIP(why)          \
    do {                   \
        test_skip = (why); \
        return;            \
    } while (0)
/* For rows: names the row when one of its checks fails. */
#define ROW(fmt, ...)                                    \
    do {                                                 \
        if (!test_ok)                                    \
            printf("#   in row " fmt "\n", __VA_ARGS__); \
    } while (0)

#define RUN(fn) test_run(#fn, fn)

__attribute__((unused)) static void test_run(const char *name, void (*fn)(void))
{
    test_ok = true;
    test_skip = NULL;
    fn();
    test_count++;
    if (!test_ok)
        test_failures++;
    printf("%sok %d - %s%s%s\n", test_ok ? "" : "not ", test_count, name, test_skip ? " # SKIP " : "",
           test_skip ? test_skip : "");
    fflush(stdout);
}

__attribute__((unused)) static int test_end(void)
{
    printf("1..%d\n", test_count);
    return test_failures ? 1 : 0;
}

/* The folder with development data beside the checkout, NULL when it is absent (then SKIP). */
__attribute__((unused)) static const char *test_shared(void)
{
    const char *dir = getenv("ASSAY_SHARED");

    return dir && *dir ? dir : NULL;
}

#endif
