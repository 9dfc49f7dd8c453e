/* Tesseract behind infer/ocr.h: faults of installation, hostile pictures, the same words again, forks. And
 * the languages of texts. */
#include "infer/ocr.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../analysis/sign.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "infer/language.h"
#include "test.h"

/* The folder of the installed English file, NULL when there is none. */
static const char *data_dir(struct arena *a)
{
    return ocr_find_data(a, "eng");
}

static bool open_or_say(struct ocr **o)
{
    struct err err = {0};

    if (ocr_open(o, "eng", NULL, &err) == 0)
        return true;
    printf("# %s\n", err.text);
    return false;
}

static void refuses_what_is_no_language(void)
{
    static const struct {
        const char *languages;
        enum err_kind kind;
    } rows[] = {
        {NULL, ERR_INPUT},
        {"", ERR_INPUT},
        {"+", ERR_INPUT},
        {"eng+", ERR_INPUT},
        {"+eng", ERR_INPUT},
        {"eng++deu", ERR_INPUT},
        {"e", ERR_INPUT},
        {"../eng", ERR_INPUT},
        {"eng/../../x", ERR_INPUT},
        {"eng deu", ERR_INPUT},
        {"eng\n", ERR_INPUT},
        {"~eng", ERR_INPUT},
        {"script/Latin", ERR_INPUT},
        {"aaaaaaaaaaaaaaaaaaaaa", ERR_INPUT},
        {"aa+bb+cc+dd+ee+ff+gg+hh+ii", ERR_INPUT},
        {"xxq", ERR_MODEL},
        {"eng+xxq", ERR_MODEL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ocr *o = NULL;
        struct err err = {0};
        CHECK(ocr_open(&o, rows[i].languages, NULL, &err) < 0 && !o);
        CHECK_INT(err.kind, rows[i].kind);
        ROW("%s", rows[i].languages ? rows[i].languages : "(null)");
    }
}

static void tells_which_package_is_missing(void)
{
    struct ocr *o = NULL;
    struct err err = {0};

    CHECK(ocr_open(&o, "xxq_Qaaa", NULL, &err) < 0);
    CHECK(strstr(err.text, "xxq_Qaaa.traineddata") && strstr(err.text, "apt install tesseract-ocr-xxq-qaaa"));
    CHECK(ocr_open(&o, "eng", "/nonexistent", &err) < 0);
    CHECK_STR(err.text, "there is no eng.traineddata in /nonexistent");
}

static void wants_one_thread(void)
{
    struct ocr *o = NULL;
    struct err err = {0};

    unsetenv("OMP_THREAD_LIMIT");
    CHECK(ocr_open(&o, "eng", NULL, &err) < 0);
    CHECK(strstr(err.text, "OMP_THREAD_LIMIT"));
    setenv("OMP_THREAD_LIMIT", "1", 1);
}

/* ---- broken files ---- */

static uint8_t *read_file(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    uint8_t *data;

    if (!f || fstat(fileno(f), &st) < 0)
        abort();
    *ret_n = (size_t)st.st_size;
    data = mem_alloc(*ret_n);
    if (fread(data, 1, *ret_n, f) != *ret_n)
        abort();
    fclose(f);
    return data;
}

static void write_file(const char *path, const uint8_t *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        abort();
}

/* In a child: Tesseract may die of a file that is broken inside. 0 opened, 1 refused, 2 died. */
static int try_open(const char *dir, const char *name)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        struct ocr *o = NULL;
        struct err err = {0};
        int r = ocr_open(&o, name, dir, &err);
        ocr_freep(&o);
        _exit(r == 0 ? 0 : err.kind == ERR_MODEL ? 1 : 3);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

static void refuses_broken_files(void)
{
    static const struct {
        const char *what;
        double keep;    /* share of the file */
        size_t from, n; /* bytes that are turned to 0xff */
    } rows[] = {
        {"empty", 0, 0, 0},
        {"a few bytes", 0.000001, 0, 0},
        {"the head", 0.00005, 0, 0},
        {"the first half", 0.5, 0, 0},
        {"all but the end", 0.9, 0, 0},
        {"the count", 1, 0, 4},
        {"the offsets", 1, 4, 200},
        {"a network offset", 1, 4 + 17 * 8, 8},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = data_dir(a);
    char temporary[] = "/tmp/assay-ocr-XXXXXX";
    CLEANUP(freep) uint8_t *data = NULL;
    const char *path;
    size_t n;

    if (!dir)
        SKIP("no English language file is installed");
    data = read_file(arena_printf(a, "%s/eng.traineddata", dir), &n);
    CHECK(mkdtemp(temporary) != NULL);
    path = arena_printf(a, "%s/eng.traineddata", temporary);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(freep) uint8_t *copy = mem_alloc(n);
        size_t kept = (size_t)((double)n * rows[i].keep);

        memcpy(copy, data, n);
        memset(copy + rows[i].from, 0xff, rows[i].n);
        write_file(path, copy, kept);
        CHECK_INT(try_open(temporary, "eng"), 1);
        ROW("%s", rows[i].what);
    }
    write_file(path, data, n);
    CHECK_INT(try_open(temporary, "eng"), 0);
    unlink(path);
    rmdir(temporary);
}

/* ---- reading ---- */

static struct picture blank(struct arena *a, int width, int height, int level)
{
    struct picture p = {width, height, 1, arena_array(a, (size_t)width, (size_t)height)};

    memset(p.pixels, level, (size_t)width * (size_t)height);
    return p;
}

static void tells_its_version_and_files(void)
{
    CLEANUP(ocr_freep) struct ocr *o = NULL;

    if (!open_or_say(&o))
        SKIP("Tesseract or its English file is not installed");
    CHECK(strncmp(ocr_version(o), "Tesseract 5.", 12) == 0);
    CHECK(strstr(ocr_version(o), " eng"));
    CHECK_INT(strlen(ocr_sha256(o)), 64);
}

static void reads_pictures_of_any_size(void)
{
    static const int sides[][2] = {{1, 1},   {1, 50},   {50, 1},   {3, 3},
                                   {16, 16}, {4096, 3}, {3, 4096}, {4096, 40}};
    CLEANUP(ocr_freep) struct ocr *o = NULL;

    if (!open_or_say(&o))
        SKIP("Tesseract or its English file is not installed");
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct picture p = blank(a, sides[i][0], sides[i][1], 77);
        struct ocr_word *words = NULL;
        struct err err = {0};
        size_t n = 99;

        for (int k = 0; k < p.width * p.height; k++)
            p.pixels[k] = (uint8_t)((unsigned)k * 2654435761u >> 24);
        CHECK(ocr_read(o, a, &p, NULL, 0, &words, &n, &err) == 0);
        CHECK(n <= OCR_MAX_WORDS);
        ROW("%dx%d: %s", p.width, p.height, err.text);
    }
}

static void has_ceilings(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(ocr_freep) struct ocr *o = NULL;
    struct picture wide = blank(a, OCR_MAX_SIDE + 1, 8, 0), colour = blank(a, 30, 10, 0);
    struct ocr_word *words;
    struct err err = {0};
    size_t n;

    if (!open_or_say(&o))
        SKIP("Tesseract or its English file is not installed");
    colour.channels = 3;
    CHECK(ocr_read(o, a, &wide, NULL, 0, &words, &n, &err) < 0 && err.kind == ERR_LIMIT);
    CHECK(ocr_read(o, a, &colour, NULL, 0, &words, &n, &err) < 0 && err.kind == ERR_INTERNAL);
    CHECK(ocr_read(o, a, &wide, &(struct box){0.2f, 0, 0.1f, 1}, 0, &words, &n, &err) == 0);
    CHECK(ocr_read(o, a, &wide, &(struct box){-7, 0.5f, 1e9f, 0}, 0, &words, &n, &err) < 0);
    CHECK(ocr_read(o, a, &wide, &(struct box){2, 2, 2, 2}, 0, &words, &n, &err) == 0 && n == 0);
}

/* A page full of short words. */
static struct picture page(struct arena *a, int width, int height)
{
    struct picture p = blank(a, width, height, 230);
    char line[512] = "";

    while (strlen(line) * 12 < (size_t)width && strlen(line) + 8 < sizeof line)
        strcat(line, "ONE TWO ");
    for (int y = 10; y + 24 < height; y += 28)
        sign_draw(&p, line, 10, y, 2, 20);
    return p;
}

static void stops_at_the_deadline(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(ocr_freep) struct ocr *o = NULL;
    struct picture p = page(a, 1200, 900);
    struct ocr_word *words;
    struct err err = {0};
    int64_t start;
    size_t n;

    if (!open_or_say(&o))
        SKIP("Tesseract or its English file is not installed");
    CHECK(ocr_read(o, a, &p, NULL, clock_mono_us() - 1, &words, &n, &err) < 0 && err.kind == ERR_TIMEOUT);
    err = (struct err){0};
    start = clock_mono_us();
    CHECK(ocr_read(o, a, &p, NULL, start + 100000, &words, &n, &err) < 0 && err.kind == ERR_TIMEOUT);
    printf("# a page of words with 100 ms: stopped after %lld ms\n",
           (long long)(clock_mono_us() - start) / 1000);
    /* and reads again afterwards */
    CHECK(ocr_read(o, a, &p, &(struct box){0, 0, 0.3f, 0.07f}, 0, &words, &n, &err) == 0);
    CHECK(n > 4);
}

static void stops_at_too_many_words(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(ocr_freep) struct ocr *o = NULL;
    struct picture p = page(a, OCR_MAX_SIDE, 500);
    struct ocr_word *words;
    struct err err = {0};
    size_t n;

    if (!open_or_say(&o))
        SKIP("Tesseract or its English file is not installed");
    CHECK(ocr_read(o, a, &p, NULL, 0, &words, &n, &err) < 0 && err.kind == ERR_LIMIT);
}

static size_t digest(struct ocr *o, const struct picture *p)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct ocr_word *words;
    size_t n, sum = 0;

    if (ocr_read(o, a, p, &(struct box){0, 0, 0.3f, 0.2f}, 0, &words, &n, NULL) < 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        for (const char *c = words[i].text; *c; c++)
            sum = sum * 31 + (unsigned char)*c;
        sum = sum * 31 + (size_t)(words[i].confidence * 1e6f) + (size_t)words[i].line;
    }
    return sum * 31 + n;
}

static int count_entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* What was read before must not matter, nor in which process: two analysts give the same report. */
static void gives_the_same_words_again_also_after_a_fork(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(ocr_freep) struct ocr *o = NULL;
    struct picture p = page(a, 600, 400), other = blank(a, 200, 100, 30);
    int status = 0, descriptors;
    size_t want;
    pid_t pid;

    if (!open_or_say(&o))
        SKIP("Tesseract or its English file is not installed");
    descriptors = count_entries("/proc/self/fd");
    want = digest(o, &p);
    digest(o, &other);
    CHECK(digest(o, &p) == want);
    CHECK_INT(count_entries("/proc/self/fd"),
              descriptors);                             /* nothing stays open that an analyst would close */
    CHECK_INT(count_entries("/proc/self/task"), 2 + 1); /* ".", "..", one thread */
    pid = fork();
    if (pid == 0)
        _exit(digest(o, &p) == want ? 0 : 1);
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- languages ---- */

static void tells_languages(void)
{
    static const struct {
        const char *text, *language;
    } rows[] = {
        {"Please keep your dogs on a leash", "en"},
        {"Bitte die Hunde an der Leine f\xc3\xbchren", "de"},
        {"Veuillez tenir vos chiens en laisse", "fr"},
        {"\xd0\x9f\xd0\xbe\xd0\xb6\xd0\xb0\xd0\xbb\xd1\x83\xd0\xb9\xd1\x81\xd1\x82\xd0\xb0, "
         "\xd0\xb4\xd0\xb5\xd1\x80\xd0\xb6\xd0\xb8\xd1\x82\xd0\xb5 \xd1\x81\xd0\xbe\xd0\xb1\xd0\xb0\xd0\xba "
         "\xd0\xbd\xd0\xb0 \xd0\xbf\xd0\xbe\xd0\xb2\xd0\xbe\xd0\xb4\xd0\xba\xd0\xb5",
         "ru"},
        {"\xd7\x90\xd7\xa1\xd7\x95\xd7\xa8 \xd7\x9c\xd7\x94\xd7\x9b\xd7\xa0\xd7\x99\xd7\xa1 "
         "\xd7\x9b\xd7\x9c\xd7\x91\xd7\x99\xd7\x9d \xd7\x9c\xd7\x92\xd7\x9f "
         "\xd7\x94\xd7\xa6\xd7\x99\xd7\x91\xd7\x95\xd7\xa8\xd7\x99 \xd7\x9c\xd7\x9c\xd7\x90 "
         "\xd7\xa8\xd7\xa6\xd7\x95\xd7\xa2\xd7\x94",
         "he"},
        {"EXIT", NULL},
        {"", NULL},
        {"hello world", NULL}, /* ten letters */
        {"2024-06-07 11:32:43 000000000000", NULL},
        {"Please keep your dogs \xff on a leash", NULL},
        {"xqz kjh wrt pqq vvb nmn xxz", NULL},
    };
    CLEANUP(languages_freep) struct languages *l = NULL;
    struct err err = {0};

    CHECK(language_of(NULL, "Please keep your dogs on a leash") == NULL);
    if (languages_open(&l, &err) < 0)
        SKIP("CLD2 is not installed");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = language_of(l, rows[i].text);
        if (rows[i].language)
            CHECK_STR(got, rows[i].language);
        else
            CHECK(got == NULL);
        ROW("%s: %s", rows[i].text, got ? got : "none");
    }
}

int main(void)
{
    RUN(refuses_what_is_no_language);
    RUN(tells_which_package_is_missing);
    RUN(wants_one_thread);
    RUN(refuses_broken_files);
    RUN(tells_its_version_and_files);
    RUN(reads_pictures_of_any_size);
    RUN(has_ceilings);
    RUN(stops_at_the_deadline);
    RUN(stops_at_too_many_words);
    RUN(gives_the_same_words_again_also_after_a_fork);
    RUN(tells_languages);
    return test_end();
}
