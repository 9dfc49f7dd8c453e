#include "conf/conf.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "test.h"

struct settings {
    const char *listen, *config;
    bool json;
    int64_t threads, upload, wait;
    double low;
};

static const struct option rows[] = {
    {"config", OPT_STRING, offsetof(struct settings, config), NULL, 0, 0, "FILE", "read options from FILE"},
    {"listen", OPT_STRING, offsetof(struct settings, listen), "127.0.0.1:8480", 0, 0, "ADDR:PORT",
     "where to listen"},
    {"json", OPT_FLAG, offsetof(struct settings, json), "false", 0, 0, NULL, "print JSON"},
    {"threads", OPT_INT, offsetof(struct settings, threads), "2", 1, 64, "N", "net threads"},
    {"max-upload", OPT_BYTES, offsetof(struct settings, upload), "100M", 1, 1e12, "SIZE", "largest upload"},
    {"sync-wait", OPT_DURATION, offsetof(struct settings, wait), "60s", 1, 1e9, "TIME", "longest wait"},
    {"low", OPT_DOUBLE, offsetof(struct settings, low), "0.2", 0, 1, "P", "danger from here"},
};

struct fixture {
    struct arena *arena;
    struct settings s;
    struct option_set set;
    struct conf *conf;
};

static void setup(struct fixture *f)
{
    f->arena = arena_new();
    f->set = (struct option_set){"Test", rows, sizeof rows / sizeof rows[0], &f->s};
    f->conf = conf_new(f->arena, &f->set, 1);
}

static void teardown(struct fixture *f)
{
    arena_free(f->arena);
}

static void starts_with_defaults(void)
{
    CLEANUP(teardown) struct fixture f = {0};

    setup(&f);
    CHECK_STR(f.s.listen, "127.0.0.1:8480");
    CHECK_INT(f.s.upload, 100 << 20);
    CHECK_INT(f.s.wait, 60000);
    CHECK(f.s.low == 0.2 && !f.s.json && !f.s.config);
}

static void later_sources_win(void)
{
    CLEANUP(teardown) struct fixture f = {0};
    char path[] = "/tmp/assay-conf-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "# comment\n\n threads = 3 \nlow=0.1\nmax-upload = 2G\n";
    char *env[] = {(char[]){"ASSAY_LOW=0.3"}, (char[]){"ASSAY_SYNC_WAIT=250ms"}, (char[]){"OTHER=1"}, NULL};
    char *argv[] = {(char[]){"serve"},    (char[]){"--config"},  path,
                    (char[]){"clip.mp4"}, (char[]){"--low=0.4"}, (char[]){"--json"},
                    (char[]){"--"},       (char[]){"--odd"},     NULL};
    int argc = 8;
    struct err err = {0};

    CHECK(write(fd, text, sizeof text - 1) == sizeof text - 1);
    close(fd);
    setup(&f);
    CHECK_INT(conf_read(f.conf, &argc, argv, env, &err), 0);
    unlink(path);
    CHECK_INT(f.s.threads, 3);
    CHECK(f.s.low == 0.4 && f.s.json);
    CHECK_INT(f.s.wait, 250);
    CHECK_INT(f.s.upload, 2LL << 30);
    CHECK_INT(argc, 3);
    CHECK_STR(argv[1], "clip.mp4");
    CHECK_STR(argv[2], "--odd");
}

static void refuses_with_a_sentence(void)
{
    static const struct {
        const char *flag, *says;
    } bad[] = {
        {"--nope", "there is no option --nope"}, {"--threads=0", "outside the range"},
        {"--threads=two", "not a whole number"}, {"--threads", "needs a value"},
        {"--json=maybe", "not true or false"},   {"--max-upload=10X", "not a size"},
        {"--sync-wait=5", "not a time"},         {"--low=nan", "not a number"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CLEANUP(teardown) struct fixture f = {0};
        char flag[64], *argv[] = {(char[]){"x"}, flag, NULL};
        int argc = 2;
        struct err err = {0};
        snprintf(flag, sizeof flag, "%s", bad[i].flag);
        setup(&f);
        CHECK(conf_flags(f.conf, &argc, argv, &err) < 0);
        CHECK(strstr(err.text, bad[i].says) != NULL);
        ROW("%s: %s", bad[i].flag, err.text);
    }
}

static void printed_configuration_reads_back(void)
{
    CLEANUP(teardown) struct fixture f = {0}, g = {0};
    char path[] = "/tmp/assay-conf-XXXXXX",
         *argv[] = {(char[]){"x"}, (char[]){"--no-json"}, (char[]){"--threads=7"}, NULL};
    int fd = mkstemp(path), argc = 3;
    FILE *out = fdopen(fd, "w");
    struct err err = {0};

    setup(&f);
    setup(&g);
    CHECK_INT(conf_flags(f.conf, &argc, argv, &err), 0);
    conf_print(f.conf, out);
    fclose(out);
    CHECK_INT(conf_file(g.conf, path, &err), 0);
    unlink(path);
    CHECK_INT(g.s.threads, 7);
    CHECK_STR(g.s.listen, f.s.listen);
}

static void note_difference(void *arg, const char *name, const char *was, const char *is)
{
    char *text = arg, line[128];

    snprintf(line, sizeof line, "%s:%s>%s ", name, was ? was : "-", is ? is : "-");
    strcat(text, line);
}

static void differences_are_told(void)
{
    CLEANUP(teardown) struct fixture f = {0}, g = {0};
    char *argv[] = {(char[]){"x"}, (char[]){"--no-json"}, (char[]){"--threads=7"}, NULL}, text[256] = "";
    int argc = 3;

    setup(&f);
    setup(&g);
    conf_compare(f.conf, g.conf, note_difference, text);
    CHECK_STR(text, "");
    CHECK_INT(conf_flags(g.conf, &argc, argv, NULL), 0);
    conf_compare(f.conf, g.conf, note_difference, text);
    CHECK(strstr(text, "threads:") && strstr(text, ">7 ") && !strstr(text, "listen"));
}

int main(void)
{
    RUN(starts_with_defaults);
    RUN(later_sources_win);
    RUN(refuses_with_a_sentence);
    RUN(printed_configuration_reads_back);
    RUN(differences_are_told);
    return test_end();
}
