/* Recordings of sensors as clients send them: real files, every way to write the same one, and what is
 * refused, by which sentence. */
#include "media/recording.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "test.h"

static int parse(struct arena *a, const char *name, const void *data, size_t n, struct recorded *ret,
                 struct err *err)
{
    struct recording_opts opts = recording_opts_defaults();

    opts.name = name;
    *ret = (struct recorded){0};
    *err = (struct err){0};
    return recording_parse(a, a, bytes_of(data, n), &opts, ret, err);
}

/* Skipped where the development data are absent. */
static int parse_file(struct arena *a, const char *path, struct recorded *ret, struct err *err)
{
    struct recording_opts opts = recording_opts_defaults();
    CLEANUP(fd_closep) int fd = open(arena_printf(a, "%s/data/sensor/%s", test_shared(), path), O_RDONLY);
    struct stat st;

    *ret = (struct recorded){0};
    *err = (struct err){0};
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    ROW("%s", path);
    opts.name = path;
    return fd < 0 ? -1 : recording_read(a, a, fd, st.st_size, &opts, ret, err);
}

/* "accX,accY,accZ" */
static const char *axes_of(struct arena *a, const struct recording *r)
{
    const char *s = "";

    for (size_t i = 0; i < r->naxes; i++)
        s = arena_printf(a, "%s%s%s", s, i ? "," : "", r->axes[i].name);
    return s;
}

/* ---- real files ---- */

static void reads_what_was_collected(void)
{
    static const struct {
        const char *path, *format, *axes;
        double interval_ms;
        int64_t readings;
        float first, last;
        const char *refused; /* part of the sentence */
    } rows[] = {
        {"small/wave.01.json", "json", "accX,accY,accZ", 10, 4, -9.81F, 1.25F, NULL},
        {"small/wave.01.cbor", "cbor", "accX,accY,accZ", 10, 4, -9.81F, 1.25F, NULL},
        {"small/good.01.csv", "csv", "accX,accY,accZ", 16, 6, 4.2208285F, -19.983055F, NULL},
        {"small/good.02.txt", "csv", "accX,accY,accZ", 0, 1, 4.2208285F, -16.89229F, NULL},
        {"small/bad.01.csv", .refused = "Could not parse this CSV file: it has several rows, but no column"},
        {"small/air_quality_no2_long.csv", .refused = "Could not parse this CSV file: it has several rows"},
        {"small/metadata.csv", .refused = "Could not parse this CSV file: it has several rows"},
        {"small/hadouken.01.wav", "wav", "audio", 1000.0 / 44100, 44100, 0, 0, NULL},
        {"keywords-wav/yes_1000ms.wav", "wav", "audio", 0.0625, 16000, 0, 0, NULL},
        {"keywords-wav/silence_1000ms.wav", "wav", "audio", 0.0625, 16000, 0, 0, NULL},
        {"gestures-cbor/testing/wave.0.cbor", "cbor", "accX,accY,accZ", 16, 622, 0, 0, NULL},
        {"fan-vibration/fan_0_high_0_weight/", .refused = "its first line has numbers instead of names"},
    };

    if (!test_shared())
        SKIP("no development data");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *path = rows[i].path;
        struct recorded r;
        struct err err;

        if (text_ends(path, "/")) { /* any file in there */
            DIR *d = opendir(arena_printf(a, "%s/data/sensor/%s", test_shared(), path));
            struct dirent *e;
            while (d && (e = readdir(d)))
                if (e->d_name[0] != '.')
                    path = arena_printf(a, "%s%s", rows[i].path, e->d_name);
            if (d)
                closedir(d);
        }
        if (rows[i].refused) {
            CHECK(parse_file(a, path, &r, &err) < 0 && err.kind == ERR_INPUT);
            CHECK(strstr(err.text, rows[i].refused));
            printf("# %s: %s\n", path, err.text);
        } else {
            CHECK(parse_file(a, path, &r, &err) == 0);
            CHECK_STR(r.facts.format, rows[i].format);
            CHECK_STR(axes_of(a, &r.facts), rows[i].axes);
            CHECK_NEAR(r.facts.interval_ms, rows[i].interval_ms, 1e-12);
            CHECK_INT(r.facts.readings, rows[i].readings);
            CHECK_INT(r.n, r.facts.readings * (int64_t)r.facts.naxes);
            if (rows[i].first != 0 && r.n > 0) {
                CHECK(r.numbers[0] == rows[i].first);
                CHECK(r.numbers[r.n - 1] == rows[i].last);
            }
        }
        ROW("%s: %s", path, err.text);
    }
}

static void knows_the_documentation_example(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const char *const paths[] = {"small/wave.01.json", "small/wave.01.cbor"};
    struct recorded r;
    struct err err;

    if (!test_shared())
        SKIP("no development data");
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        static const char signature[] = "b0ee0572a1984b93b6bc56e6576e2cbbd6bccd65d0c356e26b31bbc9a48210c6";
        char there[65] = "";
        CLEANUP(fd_closep)
        int fd = open(arena_printf(a, "%s/data/sensor/%s", test_shared(), paths[i]), O_RDONLY);

        CHECK(parse_file(a, paths[i], &r, &err) == 0);
        CHECK_STR(r.facts.device_name, "ac:87:a3:0a:2d:1b");
        CHECK_STR(r.facts.device_type, "DISCO-L475VG-IOT01A");
        CHECK_STR(r.facts.algorithm, "HS256");
        CHECK_STR(r.facts.axes[2].units, "m/s2");
        CHECK_INT(r.facts.taken_s, 1564128599);
        CHECK(pread(fd, there, 64, (off_t)r.facts.signature_at) == 64);
        CHECK_STR(there, signature);
        ROW("%s: %s", paths[i], err.text);
    }
}

/* All gestures and the coffee machine: how many readings there are and that all names are as expected. */
static void read_folder(const char *path, const char *axes, double interval_ms, int least, int most,
                        int files)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    DIR *d = opendir(arena_printf(a, "%s/data/sensor/%s", test_shared(), path));
    struct dirent *e;
    int n = 0;

    CHECK(d != NULL);
    while (d && (e = readdir(d))) {
        struct recorded r;
        struct err err;
        if (e->d_name[0] == '.' || text_ends(e->d_name, ".wrong"))
            continue;
        n++;
        CHECK(parse_file(a, arena_printf(a, "%s/%s", path, e->d_name), &r, &err) == 0);
        CHECK_STR(axes_of(a, &r.facts), axes);
        CHECK_NEAR(r.facts.interval_ms, interval_ms, 1e-9);
        CHECK(r.facts.readings >= least && r.facts.readings <= most && r.facts.signature_at > 0);
        ROW("%s/%s: %s, %lld readings", path, e->d_name, err.text, (long long)r.facts.readings);
    }
    if (d)
        closedir(d);
    CHECK_INT(n, files);
}

static void reads_gestures_and_coffee(void)
{
    if (!test_shared())
        SKIP("no development data");
    read_folder("gestures-cbor/training", "accX,accY,accZ", 16, 313, 625, 11);
    read_folder("gestures-cbor/testing", "accX,accY,accZ", 16, 313, 625, 15);
    read_folder("coffee-multilabel/training", "accZ,accY,accX", 5.0349121093750115, 8160, 11941, 8);
    read_folder("coffee-multilabel/testing", "accZ,accY,accX", 5.0349121093750115, 8160, 11941, 3);
}

static void keeps_samples_of_sound(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int16_t raw[16000];
    struct recorded r;
    struct err err;
    FILE *f;

    if (!test_shared())
        SKIP("no development data");
    CHECK(parse_file(a, "keywords-wav/yes_1000ms.wav", &r, &err) == 0);
    f = fopen(arena_printf(a, "%s/data/sensor/keywords-wav/yes_1000ms.wav", test_shared()), "rb");
    CHECK(f && fseek(f, 44, SEEK_SET) == 0 && fread(raw, 2, 16000, f) == 16000);
    if (f)
        fclose(f);
    CHECK_INT(r.n, 16000);
    for (size_t i = 0; i < r.n; i++)
        CHECK(r.numbers[i] == (float)raw[i]);
}

/* ---- ways to write the same ---- */

static void numbers_are(const struct recorded *r, const char *want)
{
    char got[256] = "";

    for (size_t i = 0; i < r->n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.9g", i ? " " : "", (double)r->numbers[i]);
    CHECK_STR(got, want);
}

#define PROTECTED "\"protected\":{\"ver\":\"v1\",\"alg\":\"none\"}"
#define TWO       "\"sensors\":[{\"name\":\"x\",\"units\":\"m/s2\"},{\"name\":\"y\"}]"
#define ONE       "\"sensors\":[{\"name\":\"x\",\"units\":\"\"}]"

static void reads_every_spelling(void)
{
    static const struct {
        const char *what, *name, *text, *numbers;
        double interval_ms;
    } rows[] = {
        {"json", "a",
         "{" PROTECTED ",\"payload\":{\"interval_ms\":2.5," TWO ",\"values\":[[1,2],[3.5,-4e2]]}}",
         "1 2 3.5 -400", 2.5},
        {"payload first, values first", "a",
         "\xef\xbb\xbf \n{ \"payload\" : {\"values\" : [ [ 1 , 2 ] , [3,4] ], " TWO
         ",\"interval_ms\":1}," PROTECTED "}",
         "1 2 3 4", 1},
        {"flat list of one sensor", "a",
         "{\"payload\":{\"values\":[1,-0.5,7],\"interval_ms\":1," ONE "}," PROTECTED "}", "1 -0.5 7", 1},
        {"lists of one", "a", "{\"payload\":{\"values\":[[1],[2]],\"interval_ms\":1," ONE "}," PROTECTED "}",
         "1 2", 1},
        {"values elsewhere do not count", "a",
         "{\"values\":[9],\"x\":{\"values\":[\"]\"]},\"payload\":{\"m\":{\"values\":[8]},\"values\":[1],"
         "\"interval_ms\":0," ONE "}," PROTECTED "}",
         "1", 0},
        {"many digits", "a",
         "{\"payload\":{\"values\":[0.1000000000000000055511151231257827,123456789012345678901234567890e-20,"
         "1e-400],"
         "\"interval_ms\":1," ONE "}," PROTECTED "}",
         "0.100000001 1.23456794e+09 0", 1},
        {"csv", "a.csv", "timestamp,x,y\n0,1,2\n10,3,4\n", "1 2 3 4", 10},
        {"windows", "a.csv", "\xef\xbb\xbftimestamp,x,y\r\n0,1,2\r\n\r\n10,3,4\r\n\r\n", "1 2 3 4", 10},
        {"old macintosh", "a.csv", "timestamp,x,y\r0,1,2\r10,3,4", "1 2 3 4", 10},
        {"semicolons", "a.csv", "timestamp;x;y\n0;1;2\n10;3;4", "1 2 3 4", 10},
        {"tabs", "a.txt", "timestamp\tx\ty\n0\t1\t2\n10\t3\t4", "1 2 3 4", 10},
        {"quotes and blanks", "a.csv", "\"timestamp\", \"x \"\"1\"\"\" , y\n 0 , \"1\" ,2\n10,\"3\",+.4e1",
         "1 2 3 4", 10},
        {"time is the last column", "a.csv", "x,Timestamp\n1,1700000000000\n2,1700000000010\n3,1700000000020",
         "1 2 3", 10},
        {"whole milliseconds of 60 Hz", "a.csv", "timestamp,x\n0,1\n17,2\n33,3\n50,4", "1 2 3 4", 50.0 / 3},
        {"one reading with a time", "a.csv", "timestamp,x\n5,1\n", "1", 0},
        {"one reading without", "features.bin", "a,b,c\n1,2,3", "1 2 3", 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct recorded r;
        struct err err;

        CHECK(parse(a, rows[i].name, rows[i].text, strlen(rows[i].text), &r, &err) == 0);
        numbers_are(&r, rows[i].numbers);
        CHECK_NEAR(r.facts.interval_ms, rows[i].interval_ms, 1e-9);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

/* A map with two keys; the payload has an open list, and a number of every width. */
static void reads_every_width_of_cbor(void)
{
    static const char hex[] = "d9d9f7"
                              "a2"
                              "67"
                              "7061796c6f6164" /* payload */
                              "bf"
                              "66"
                              "76616c756573" /* values */
                              "9f"
                              "8107"
                              "811903e8"
                              "8138f9"
                              "81f93e00"
                              "81fa40490fdb"
                              "fb400921fb54442d18"
                              "3a7fffffff"
                              "ff"
                              "6b"
                              "696e74657276616c5f6d73"
                              "f94500" /* interval_ms: 5.0 */
                              "67"
                              "73656e736f7273"
                              "81"
                              "a1"
                              "64"
                              "6e616d65"
                              "61"
                              "78" /* sensors: [{name: x}] */
                              "ff"
                              "69"
                              "70726f746563746564" /* protected: {alg: none} */
                              "a1"
                              "63"
                              "616c67"
                              "64"
                              "6e6f6e65";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    uint8_t raw[256];
    struct recorded r;
    struct err err;

    CHECK(text_unhex(raw, strlen(hex) / 2, hex));
    CHECK(parse(a, NULL, raw, strlen(hex) / 2, &r, &err) == 0);
    CHECK_STR(err.text, "");
    CHECK_STR(r.facts.format, "cbor");
    CHECK_STR(r.facts.algorithm, "none");
    CHECK_INT(r.facts.signature_at, -1);
    CHECK_NEAR(r.facts.interval_ms, 5, 0);
    numbers_are(&r, "7 1000 -250 1.5 3.14159274 3.14159274 -2.14748365e+09");
}

/* ---- sound ---- */

struct wave {
    int format, channels, bits, rate;
    const char *hex;    /* of the samples */
    uint32_t announced; /* their length; 0: as it is */
};

static void put(struct buf *b, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add(b, &(uint8_t){(uint8_t)(v >> 8 * i)}, 1);
}

static void write_wav(struct buf *b, const struct wave *w)
{
    size_t n = strlen(w->hex) / 2;
    bool extended = w->format == 0xfffe;
    uint8_t raw[64];

    CHECK(text_unhex(raw, n, w->hex));
    buf_add(b, "RIFF", 4);
    put(b, 0, 4);
    buf_add(b, "WAVE", 4);
    buf_add(b, "LIST", 4); /* of an odd length */
    put(b, 3, 4);
    buf_add(b, "abc\0", 4);
    buf_add(b, "fmt ", 4);
    put(b, extended ? 40 : 16, 4);
    put(b, (uint32_t)w->format, 2);
    put(b, (uint32_t)w->channels, 2);
    put(b, (uint32_t)w->rate, 4);
    put(b, 0, 4);
    put(b, (uint32_t)(w->channels * w->bits / 8), 2);
    put(b, (uint32_t)w->bits, 2);
    if (extended) {
        put(b, 22, 2);
        put(b, 0, 2);
        put(b, 0, 4);
        put(b, 1, 2);
        for (int i = 0; i < 14; i++)
            put(b, 0, 1);
    }
    buf_add(b, "data", 4);
    put(b, w->announced ? w->announced : (uint32_t)n, 4);
    buf_add(b, raw, n);
}

static void reads_every_width_of_sound(void)
{
    static const struct {
        const char *what;
        struct wave wave;
        const char *axes, *numbers;
        bool note;
    } rows[] = {
        {"8 bits", {1, 1, 8, 8000, "0080ff", 0}, "audio", "-32768 0 32512", false},
        {"16 bits", {1, 1, 16, 8000, "0080ffff000001ff7f", 0}, "audio", "-32768 -1 0 -255", true},
        {"16 bits, extremes", {1, 1, 16, 8000, "0080ff7f", 0}, "audio", "-32768 32767", false},
        {"24 bits", {1, 1, 24, 8000, "000080000100ffff7f", 0}, "audio", "-32768 1 32767.9961", false},
        {"32 bits", {1, 1, 32, 8000, "0000008000000100", 0}, "audio", "-32768 1", false},
        {"floats",
         {3, 1, 32, 8000, "0000803f0000003f000080bf00000040", 0},
         "audio",
         "32767 16384 -32768 32767",
         false},
        {"doubles", {3, 1, 64, 8000, "000000000000e03f", 0}, "audio", "16384", false},
        {"two channels", {1, 2, 16, 8000, "0100020003000400", 0}, "audio,audio2", "1 2 3 4", false},
        {"the other way to say it", {0xfffe, 1, 16, 8000, "01000200", 0}, "audio", "1 2", false},
        {"a length nobody filled in", {1, 1, 16, 8000, "01000200", 0xffffffff}, "audio", "1 2", true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(buf_clear) struct buf b = BUF(4096);
        struct recorded r;
        struct err err;

        write_wav(&b, &rows[i].wave);
        CHECK(parse(a, NULL, b.data, b.len, &r, &err) == 0);
        CHECK_STR(axes_of(a, &r.facts), rows[i].axes);
        CHECK_NEAR(r.facts.interval_ms, 0.125, 0);
        numbers_are(&r, rows[i].numbers);
        ROW("%s: %s", rows[i].what, err.text);
    }
}

static void refuses_other_sound(void)
{
    static const struct {
        struct wave wave;
        enum err_kind kind;
        const char *says;
    } rows[] = {
        {{7, 1, 8, 8000, "00", 0}, ERR_UNSUPPORTED, "format 7 with 8 bits"},
        {{1, 1, 12, 8000, "00", 0}, ERR_UNSUPPORTED, "format 1 with 12 bits"},
        {{1, 0, 16, 8000, "00", 0}, ERR_DECODE, "does not say what its samples are"},
        {{1, 65, 8, 8000, "00", 0}, ERR_LIMIT, "64 channels at most"},
        {{1, 1, 16, 0, "0000", 0}, ERR_DECODE, "does not say"},
        {{1, 1, 16, 9000000, "0000", 0}, ERR_LIMIT, "1000000 are the most"},
        {{1, 1, 16, 8000, "", 0}, ERR_DECODE, "no samples"},
        {{3, 1, 32, 8000, "0000c07f", 0}, ERR_INPUT, "Sample 1: \"NaN\" is not a number"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(buf_clear) struct buf b = BUF(4096);
        struct recorded r;
        struct err err;

        write_wav(&b, &rows[i].wave);
        CHECK(parse(a, NULL, b.data, b.len, &r, &err) < 0);
        CHECK_INT(err.kind, rows[i].kind);
        CHECK(strstr(err.text, rows[i].says));
        ROW("%s: %s", rows[i].says, err.text);
    }
}

/* ---- pictures ---- */

static void reads_sizes_of_pictures(void)
{
    /* One grey pixel. */
    static const char png[] = "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
                              "3a7e9b550000000a49444154789c636000000002000148afa4710000000049454e44ae426082";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    uint8_t raw[128];
    struct recorded r;
    struct err err;
    size_t n = strlen(png) / 2;

    CHECK(text_unhex(raw, n, png));
    CHECK(parse(a, "x.csv", raw, n, &r, &err) == 0);
    CHECK_STR(err.text, "");
    CHECK_INT(r.facts.kind, SENSOR_PICTURE);
    CHECK_STR(r.facts.format, "png");
    CHECK_INT(r.facts.width, 1);
    CHECK_INT(r.facts.height, 1);
    CHECK_INT(r.n, 0);
    CHECK(parse(a, "x.csv", raw, n / 2, &r, &err) < 0 && err.kind == ERR_DECODE);
    CHECK(parse(a, "x.png", "nothing", 7, &r, &err) < 0 && err.kind == ERR_DECODE);
}

/* ---- what is refused ---- */

static void refuses(void)
{
    static const struct {
        const char *name, *text;
        enum err_kind kind;
        const char *says;
    } rows[] = {
        {"a", "", ERR_INPUT, "empty"},
        {"a.json", "{", ERR_INPUT, "not valid JSON"},
        {"a.json", "[1,2]", ERR_INPUT, "This JSON is no recording"},
        {"a.json", "{}", ERR_INPUT, "This JSON is no recording"},
        {"a.json", "hello", ERR_INPUT, "not valid JSON"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2]", ERR_INPUT,
         "ends inside"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2]]", ERR_INPUT,
         "not valid JSON"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2],[3]]}}", ERR_INPUT,
         "Reading 2 has 1 number, but there are 2 sensors"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2,3]]}}", ERR_INPUT,
         "Reading 1 has more numbers"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[1,2]}}", ERR_INPUT,
         "Reading 1 is not a list"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2],[3,NaN]]}}", ERR_INPUT,
         "Reading 2: \"NaN\" is not a number (\"y\")"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,null]]}}", ERR_INPUT,
         "Reading 1: \"null\""},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2],]}}", ERR_INPUT,
         "Reading 2"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2] [3,4]]}}", ERR_INPUT,
         "after reading 1"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,0x10]]}}", ERR_INPUT,
         "\"0x10\" is not a number"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,[2]]]}}", ERR_INPUT,
         "is not a number"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,1e39]]}}", ERR_INPUT,
         "too large for a 32-bit float"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,1e999]]}}", ERR_INPUT,
         "too large"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[]}}", ERR_INPUT,
         "no readings"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":0," TWO ",\"values\":[[1,2],[3,4]]}}", ERR_INPUT,
         "cannot be 0 ms"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":-1," TWO ",\"values\":[[1,2],[3,4]]}}", ERR_INPUT,
         "cannot be -1 ms"},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":\"1\"," TWO ",\"values\":[[1,2],[3,4]]}}",
         ERR_INPUT, "needs \"interval_ms\""},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1,\"values\":[[1,2]]}}", ERR_INPUT,
         "needs \"sensors\""},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1,\"sensors\":[{}],\"values\":[[1,2]]}}",
         ERR_INPUT, "has no name"},
        {"a",
         "{" PROTECTED ",\"payload\":{\"interval_ms\":1,\"sensors\":[{\"name\":\"x\"},{\"name\":\"x\"}],"
         "\"values\":[[1,2]]}}",
         ERR_INPUT, "Two sensors"},
        {"a",
         "{" PROTECTED
         ",\"payload\":{\"interval_ms\":1,\"sensors\":[{\"name\":\"x\\u0007\"}],\"values\":[[1,2]]}}",
         ERR_INPUT, "no text"},
        {"a", "{\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2]]}}", ERR_INPUT,
         "needs \"protected\""},
        {"a",
         "{\"protected\":{\"ver\":\"v2\",\"alg\":\"none\"},\"payload\":{\"interval_ms\":1," TWO
         ",\"values\":[[1,2]]}}",
         ERR_INPUT, "only \"v1\""},
        {"a",
         "{\"protected\":{\"ver\":\"v1\",\"alg\":\"RS256\"},\"payload\":{\"interval_ms\":1," TWO
         ",\"values\":[[1,2]]}}",
         ERR_INPUT, "signed by \"RS256\""},
        {"a", "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":\"Ref-BINARY-i16\"}}",
         ERR_UNSUPPORTED, "send the numbers"},
        {"a",
         "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO
         ",\"values\":[\"Ref-BINARY-i16 (8 bytes) 0x00\"]}}",
         ERR_UNSUPPORTED, "send the numbers"},
        {"a.cbor", "hello", ERR_INPUT, "CBOR"},
        {"a.cbor", "\xa1\x61\x61\x01", ERR_INPUT, "This CBOR is no recording"},
        {"a.cbor", "\xbf\x61", ERR_INPUT, "CBOR ends"},
        {"a.csv", "\n\n", ERR_INPUT, "nothing in it"},
        {"a.csv", "timestamp,x\n", ERR_INPUT, "no reading below"},
        {"a.csv", "timestamp\n1\n2\n", ERR_INPUT, "no column beside"},
        {"a.csv", "0.1,0.2\n0.3,0.4\n", ERR_INPUT, "Add a line like"},
        {"a.csv", "timestamp,x,\n0,1,2\n", ERR_INPUT, "Sensor (column) 2 has no name"},
        {"a.csv", "timestamp,x,x\n0,1,2\n", ERR_INPUT, "called \"x\""},
        {"a.csv", "timestamp,x,y\n0,1,2\n10,1\n", ERR_INPUT,
         "Line 3 has 2 columns, but the first line names 3"},
        {"a.csv", "timestamp,x,y\n0,1,2\n\n10,1,2,3\n", ERR_INPUT, "Line 4 has more columns"},
        {"a.csv", "timestamp,x,y\n0,1,2\n10,,3\n", ERR_INPUT, "Line 3 has no number for \"x\""},
        {"a.csv", "timestamp,x,y\n0,1,2\n10,3,nan\n", ERR_INPUT, "Line 3: \"nan\" is not a number (\"y\")"},
        {"a.csv", "timestamp,x,y\n0,1,2\n10,3,-inf\n", ERR_INPUT, "Line 3: \"-inf\" is not a number"},
        {"a.csv", "timestamp,x,y\n0,1,2\n10,3,4 m\n", ERR_INPUT, "\"4 m\" is not a number"},
        {"a.csv", "timestamp,x,y\n0,1,2\n10,3,\"4\"5\n", ERR_INPUT, "\"4\"\" is not a number"},
        {"a.csv", "timestamp;x\n0;1,5\n", ERR_INPUT, "Line 2"},
        {"a.csv", "timestamp,x\n0,1\nten,1\n", ERR_INPUT, "Line 3: the timestamp \"ten\""},
        {"a.csv", "timestamp,x\n0,1\n10,1\n20,1\n40,1\n50,1\n60,1\n", ERR_INPUT,
         "Reading 4 comes 20 ms after"},
        {"a.csv", "timestamp,x\n10,1\n0,1\n", ERR_INPUT, "do not rise"},
        {"a.csv", "timestamp,x\n10,1\n10,1\n", ERR_INPUT, "do not rise"},
        {"a.csv", "timestamp,x\n0,1\n1e308,1\n-1e308,2\n", ERR_INPUT, "do not rise"},
        {"a.mp4", "hello", ERR_UNSUPPORTED, "Videos"},
        {"a.wav", "hello", ERR_DECODE, "no WAV file"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct recorded r;
        struct err err;

        CHECK(parse(a, rows[i].name, rows[i].text, strlen(rows[i].text), &r, &err) < 0);
        CHECK_INT(err.kind, rows[i].kind);
        CHECK(strstr(err.text, rows[i].says));
        ROW("%s %s: %s", rows[i].name, rows[i].text, err.text);
    }
}

static void has_ceilings(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf b = BUF(64 << 20);
    struct recording_opts opts = recording_opts_defaults();
    struct recorded r;
    struct err err;

    CHECK(recording_read(a, a, -1, RECORDING_MAX_BYTES + 1LL, &opts, &r, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    buf_str(&b, "{" PROTECTED ",\"payload\":{\"interval_ms\":1," ONE ",\"values\":[0");
    for (int i = 0; i < RECORDING_MAX_NUMBERS - 1; i++)
        buf_add(&b, ",1", 2);
    buf_str(&b, "]}}");
    CHECK(parse(a, NULL, b.data, b.len, &r, &err) == 0);
    CHECK_INT(r.n, RECORDING_MAX_NUMBERS);
    b.len -= 3;
    buf_str(&b, ",1]}}");
    CHECK(parse(a, NULL, b.data, b.len, &r, &err) < 0);
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK_STR(err.text, "The recording has more than 16777216 numbers; cut it into several.");
    opts.deadline_mono_us = 1;
    CHECK(recording_parse(a, a, buf_bytes(&b), &opts, &r, &err) < 0);
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

/* A signature behind the numbers, with the mark of UTF-8 before everything. */
static void finds_the_signature(void)
{
    static const char digits[] = "0123456789abcdefABCDEF00112233445566778899aabbccddeeff0011223344";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *body =
        "{" PROTECTED ",\"payload\":{\"interval_ms\":1," TWO ",\"values\":[[1,2],[3,4]]},\"signature\":";
    const char *text = arena_printf(a, "\xef\xbb\xbf%s\"%s\"}", body, digits);
    struct recorded r;
    struct err err;

    CHECK(parse(a, NULL, text, strlen(text), &r, &err) == 0);
    CHECK_INT(r.facts.signature_at, strstr(text, digits) - text);
    text = arena_printf(a, "{\"signature\":\"%s\",%s\"\"}", digits, body + 1);
    CHECK(parse(a, NULL, text, strlen(text), &r, &err) == 0);
    CHECK_INT(r.facts.signature_at, strstr(text, digits) - text);
    /* Written with an escape it has 64 digits, but not in the file. */
    text = arena_printf(a, "%s\"\\u0030%s\"}", body, digits + 1);
    CHECK(parse(a, NULL, text, strlen(text), &r, &err) == 0);
    CHECK_INT(r.facts.signature_at, -1);
    text = arena_printf(a, "%s\"empty\"}", body);
    CHECK(parse(a, NULL, text, strlen(text), &r, &err) == 0);
    CHECK_INT(r.facts.signature_at, -1);
}

int main(void)
{
    RUN(reads_what_was_collected);
    RUN(knows_the_documentation_example);
    RUN(reads_gestures_and_coffee);
    RUN(keeps_samples_of_sound);
    RUN(reads_every_spelling);
    RUN(reads_every_width_of_cbor);
    RUN(reads_every_width_of_sound);
    RUN(refuses_other_sound);
    RUN(reads_sizes_of_pictures);
    RUN(refuses);
    RUN(has_ceilings);
    RUN(finds_the_signature);
    return test_end();
}
