/* Log lines as they leave: stderr is a pipe here. */
#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/json.h"
#include "test.h"

static int saved, end_to_read;

static void capture(void)
{
    int pair[2];

    if (pipe(pair) < 0)
        abort();
    saved = dup(STDERR_FILENO);
    dup2(pair[1], STDERR_FILENO);
    close(pair[1]);
    end_to_read = pair[0];
    fcntl(end_to_read, F_SETFL, O_NONBLOCK);
}

/* What was logged since `capture`. */
static char *captured(void)
{
    static char text[1 << 16];
    ssize_t n = read(end_to_read, text, sizeof text - 1);

    dup2(saved, STDERR_FILENO);
    close(saved);
    close(end_to_read);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Behind the time. */
static const char *line_of(const char *text)
{
    const char *blank = strchr(text, ' ');

    return blank ? blank + 1 : "";
}

static void text_lines(void)
{
    capture();
    log_info("job ended", "job=%s ms=%lld state=%.4s n=%zu d=%d x=%02x f=%.1f", "abc", -5LL, "doneXX",
             (size_t)7, -1, 10U, 2.25);
    CHECK_STR(line_of(captured()), "info  job ended job=abc ms=-5 state=done n=7 d=-1 x=0a f=2.2\n");
    capture();
    log_warn("bare", NULL);
    CHECK_STR(line_of(captured()), "warn  bare\n");
    capture();
    log_line(LOG_DEBUG, "silent", NULL);
    CHECK_STR(captured(), "");
}

static void text_values_that_need_quotes(void)
{
    static const struct {
        const char *value, *shown;
    } rows[] = {
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"x job=forged", "\"x job=forged\""},
        {"a\"b", "\"a\\\"b\""},
        {"a\\b", "\"a\\\\b\""},
        {"a\nb\x1b[0m", "a?b?[0m"},
        {"\xc2\x9b"
         "31m",
         "??31m"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"bad\xff\xc3", "bad??"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[128];
        capture();
        log_info("w", "v=%s end=%d", rows[i].value, 1);
        snprintf(want, sizeof want, "info  w v=%s end=1\n", rows[i].shown);
        CHECK_STR(line_of(captured()), want);
        ROW("%zu", i);
    }
}

static void json_lines_are_json(void)
{
    static const char *const values[] = {"plain", "two words job=forged x=1", "\"},{\"", "\\", "\xff\xfe", "",
                                         "a=b=c"};

    log_setup(LOG_INFO, true);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        yyjson_doc *doc;
        yyjson_val *root;
        char *text;
        capture();
        log_error("it broke", "job=%s why=%s", "real", values[i]);
        text = captured();
        doc = json_read(bytes_of(text, strlen(text)), 1 << 16, NULL);
        root = yyjson_doc_get_root(doc);
        CHECK_INT(yyjson_obj_size(root), 5);
        CHECK_STR(yyjson_get_str(yyjson_obj_get(root, "what")), "it broke");
        CHECK_STR(yyjson_get_str(yyjson_obj_get(root, "level")), "error");
        CHECK_STR(yyjson_get_str(yyjson_obj_get(root, "job")), "real");
        CHECK_STR(yyjson_get_str(yyjson_obj_get(root, "why")), values[i][0] == '\xff' ? "??" : values[i]);
        ROW("%s", values[i]);
        yyjson_doc_free(doc);
    }
    log_setup(LOG_INFO, false);
}

static void long_values_are_cut_between_characters(void)
{
    char value[4001] = "", *text;
    size_t n;

    for (int i = 0; i < 2000; i++)
        strcat(value, "\xc3\xa9");
    capture();
    log_info("w", "v=x%s end=1", value);
    text = captured();
    n = strlen(text);
    CHECK(n > 1000 && n < 1200);
    CHECK(strstr(text, "\xc3\xa9 end=1\n") && !strchr(text, '?'));
}

int main(void)
{
    RUN(text_lines);
    RUN(text_values_that_need_quotes);
    RUN(json_lines_are_json);
    RUN(long_values_are_cut_between_characters);
    return test_end();
}
