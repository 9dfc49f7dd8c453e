#include "infer/ocr.h"

#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "infer/file_int.h"

enum {
    MAX_FILE = 64 << 20, /* of a traineddata file; the largest that is published has 27 MB */
    MAX_NAMES = 128,     /* bytes of all language names */
    PPI = 70,            /* of video; anything fixed stops the engine from guessing, and from telling of it */
};

/* ---- the library ---- */

/* Every call that is used: member and symbol, with the prototype from the header. */
#define CALLS(X)                                       \
    X(version, TessVersion)                            \
    X(create, TessBaseAPICreate)                       \
    X(delete, TessBaseAPIDelete)                       \
    X(init, TessBaseAPIInit4)                          \
    X(set_mode, TessBaseAPISetPageSegMode)             \
    X(set_image, TessBaseAPISetImage)                  \
    X(set_resolution, TessBaseAPISetSourceResolution)  \
    X(recognize, TessBaseAPIRecognize)                 \
    X(iterator, TessBaseAPIGetIterator)                \
    X(clear, TessBaseAPIClear)                         \
    X(delete_iterator, TessResultIteratorDelete)       \
    X(page_of, TessResultIteratorGetPageIteratorConst) \
    X(next, TessResultIteratorNext)                    \
    X(text, TessResultIteratorGetUTF8Text)             \
    X(confidence, TessResultIteratorConfidence)        \
    X(delete_text, TessDeleteText)                     \
    X(box, TessPageIteratorBoundingBox)                \
    X(begins, TessPageIteratorIsAtBeginningOf)         \
    X(create_monitor, TessMonitorCreate)               \
    X(delete_monitor, TessMonitorDelete)               \
    X(set_cancel, TessMonitorSetCancelFunc)            \
    X(set_cancel_arg, TessMonitorSetCancelThis)

struct calls {
#define MEMBER(member, symbol) __typeof__(symbol) *member;
    CALLS(MEMBER)
#undef MEMBER
};

static const struct {
    const char *symbol;
    size_t offset;
} calls_table[] = {
#define ENTRY(member, symbol) {#symbol, offsetof(struct calls, member)},
    CALLS(ENTRY)
#undef ENTRY
};

struct ocr {
    struct calls call;
    TessBaseAPI *api;
    char version[64 + MAX_NAMES];
    char sha256[HASH_HEX];
};

static const char *const sonames[] = {"libtesseract.so.5", "libtesseract.so"};

static int open_library(struct calls *c, struct err *err)
{
    void *library = NULL, *symbol;

    for (size_t i = 0; !library && i < COUNT_OF(sonames); i++)
        library = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return FAIL(err, ERR_MODEL,
                    "Tesseract is not installed, so no text can be read: apt install libtesseract5");
    for (size_t i = 0; i < COUNT_OF(calls_table); i++) {
        if (!(symbol = dlsym(library, calls_table[i].symbol)))
            return FAIL(err, ERR_MODEL, "the installed Tesseract has no %s; version 5 is needed",
                        calls_table[i].symbol);
        memcpy((char *)c + calls_table[i].offset, &symbol, sizeof symbol);
    }
    return 0;
}

/* ---- languages ---- */

/* Where packages put language files, the folder of the operator first. */
static const char *const data_dirs[] = {
    "/usr/local/share/tessdata",
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
};

/* The names that Tesseract knows are like "eng", "chi_sim_vert", "script/Latin" (not for us: it is a path).
 */
static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_')
            return false;
    return n >= 2 && n <= 20;
}

/* The next name of a list like "eng+deu", copied to ret_name; NULL at the end. */
static const char *next_name(const char *list, char ret_name[MAX_NAMES])
{
    size_t n = strcspn(list, "+");

    if (!*list)
        return NULL;
    memcpy(ret_name, list, n);
    ret_name[n] = '\0';
    return list[n] ? list + n + 1 : list + n;
}

static int check_names(const char *languages, struct err *err)
{
    size_t n = languages ? strlen(languages) : 0, count = 0;

    if (n == 0 || n >= MAX_NAMES || languages[n - 1] == '+')
        return FAIL(err, ERR_INPUT, "languages are names joined by +, as in \"eng+deu\"");
    for (const char *p = languages; *p; count++) {
        size_t len = strcspn(p, "+");
        if (!is_name(p, len))
            return FAIL(err, ERR_INPUT, "\"%.*s\" is no name of a language; names are like eng or chi_sim",
                        (int)(len < 40 ? len : 40), p);
        p += len + (p[len] == '+');
    }
    if (count > OCR_MAX_LANGUAGES)
        return FAIL(err, ERR_INPUT, "%zu languages are more than %d", count, OCR_MAX_LANGUAGES);
    return 0;
}

static bool has_language(struct arena *a, const char *dir, const char *name)
{
    return access(arena_printf(a, "%s/%s.traineddata", dir, name), R_OK) == 0;
}

/* The first language of the list that the folder lacks; NULL when it has all of them. */
static const char *missing_in(struct arena *a, const char *dir, const char *languages)
{
    char name[MAX_NAMES];

    for (const char *p = languages; (p = next_name(p, name));)
        if (!has_language(a, dir, name))
            return arena_strdup(a, name);
    return NULL;
}

/* All languages must lie in one folder: the engine takes only one. */
static const char *find_dir(struct arena *a, const char *languages)
{
    const char *own = getenv("TESSDATA_PREFIX");

    if (own && *own && !missing_in(a, own, languages))
        return own;
    for (size_t i = 0; i < COUNT_OF(data_dirs); i++)
        if (!missing_in(a, data_dirs[i], languages))
            return data_dirs[i];
    return NULL;
}

const char *ocr_find_data(struct arena *a, const char *language)
{
    const char *dir = check_names(language, NULL) < 0 ? NULL : find_dir(a, language);

    return dir ? arena_strdup(a, dir) : NULL;
}

/* Which of them nobody has, for the message. */
static const char *missing_anywhere(struct arena *a, const char *languages)
{
    char name[MAX_NAMES];

    for (const char *p = languages; (p = next_name(p, name));)
        if (!find_dir(a, name))
            return arena_strdup(a, name);
    return languages;
}

/* Debian's package of a language: tesseract-ocr-chi-sim has chi_sim.traineddata. */
static const char *package_of(struct arena *a, const char *name)
{
    char *package = arena_printf(a, "tesseract-ocr-%s", name);

    for (char *p = package; *p; p++)
        *p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
    return package;
}

static int choose_dir(struct arena *a, const char *languages, const char *given, const char **ret_dir,
                      struct err *err)
{
    const char *missing = given ? missing_in(a, given, languages) : NULL;

    if (missing)
        return FAIL(err, ERR_MODEL, "there is no %s.traineddata in %s", missing, given);
    *ret_dir = given ? given : find_dir(a, languages);
    if (*ret_dir)
        return 0;
    missing = missing_anywhere(a, languages);
    return FAIL(err, ERR_MODEL,
                "there is no %s.traineddata, so text in this language cannot be read: apt install %s",
                missing, package_of(a, missing));
}

/* ---- language files ---- */

static uint64_t little_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* A traineddata file is a table of parts: a count (32 bits), as many offsets (64 bits, -1 = absent), the
 * parts. Tesseract believes the offsets and dies of wrong ones, so they are looked at here; the 17th part is
 * the network, without which the engine we ask for does not start. */
static bool is_traineddata(struct bytes b)
{
    enum { LSTM = 17, MAX_PARTS = 100 };
    size_t n = b.len >= 4 ? (size_t)little_endian(b.data, 4) : 0, head = 4 + n * 8;
    uint64_t last = head;

    if (n <= LSTM || n > MAX_PARTS || b.len <= head)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t offset = little_endian(b.data + 4 + i * 8, 8);
        if (offset == UINT64_MAX) {
            if (i == LSTM)
                return false;
            continue;
        }
        if (offset < last || offset >= b.len)
            return false;
        last = offset;
    }
    return true;
}

static int check_file(struct arena *a, const char *dir, const char *name, struct hasher *h, struct err *err)
{
    const char *path = arena_printf(a, "%s/%s.traineddata", dir, name);
    CLEANUP(buf_clear) struct buf file = BUF(MAX_FILE);

    if (file_read(path, &file, err) < 0)
        return -1;
    if (!is_traineddata(buf_bytes(&file)))
        return FAIL(err, ERR_MODEL, "%s is no language file of Tesseract 4 or 5, or not all of one", path);
    hasher_add(h, buf_bytes(&file));
    return 0;
}

static int check_files(struct ocr *o, struct arena *a, const char *dir, const char *languages,
                       struct err *err)
{
    CLEANUP(hasher_freep) struct hasher *h = hasher_new();
    char name[MAX_NAMES];

    for (const char *p = languages; (p = next_name(p, name));)
        if (check_file(a, dir, name, h, err) < 0)
            return -1;
    hasher_hex(h, o->sha256);
    return 0;
}

/* ---- the engine ---- */

/* Nothing is learned from what was read before, so that a picture gives the same words in any analyst. */
static const char *const settings[][2] = {
    {"tessedit_enable_doc_dict", "0"},
    {"classify_enable_learning", "0"},
};

/* Tesseract's words go to stderr. Its own way to silence it, a file of the name in `debug_file`, will not do:
 * it stays open, and an analyst closes all descriptors that it does not know, so the report could get its
 * number. In an analyst stderr is /dev/null; in the keeper it is turned there for the time of loading. */
static int stderr_off(void)
{
    CLEANUP(fd_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    if (null >= 0 && saved >= 0)
        dup2(null, STDERR_FILENO);
    return saved;
}

static void stderr_onp(int *saved)
{
    if (*saved >= 0)
        dup2(*saved, STDERR_FILENO);
    fd_closep(saved);
}

static int start(struct ocr *o, const char *dir, const char *languages, struct err *err)
{
    char *names[COUNT_OF(settings)], *values[COUNT_OF(settings)];
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        names[i] = arena_strdup(a, settings[i][0]);
        values[i] = arena_strdup(a, settings[i][1]);
    }
    o->api = o->call.create();
    if (!o->api || o->call.init(o->api, dir, languages, OEM_LSTM_ONLY, NULL, 0, names, values,
                                COUNT_OF(settings), false) != 0)
        return FAIL(err, ERR_MODEL, "Tesseract cannot load %s from %s", languages, dir);
    o->call.set_mode(o->api, PSM_SPARSE_TEXT);
    return 0;
}

/* What the engine loads when it reads for the first time must be there before the sandbox is. */
static int read_nothing(struct ocr *o, struct err *err)
{
    enum { SIDE = 64 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture blank = {SIDE, SIDE, 1, arena_alloc(a, SIDE * SIDE)};
    struct ocr_word *words;
    size_t n;

    return ocr_read(o, a, &blank, NULL, 0, &words, &n, err);
}

int ocr_open(struct ocr **ret_ocr, const char *languages, const char *data_dir, struct err *err)
{
    CLEANUP(ocr_freep) struct ocr *o = mem_alloc(sizeof *o);
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(stderr_onp) int saved = -1;
    const char *dir = NULL;

    if (check_names(languages, err) < 0)
        return -1;
    if (!text_is(getenv("OMP_THREAD_LIMIT"), "1"))
        return FAIL(err, ERR_MODEL,
                    "OMP_THREAD_LIMIT=1 must be in the environment, or Tesseract computes in four threads");
    if (choose_dir(a, languages, data_dir, &dir, err) < 0 || check_files(o, a, dir, languages, err) < 0 ||
        open_library(&o->call, err) < 0)
        return -1;
    snprintf(o->version, sizeof o->version, "Tesseract %.60s %s", o->call.version(), languages);
    saved = stderr_off();
    if (start(o, dir, languages, err) < 0 || read_nothing(o, err) < 0)
        return -1;
    *ret_ocr = TAKE(o);
    return 0;
}

/* The library stays mapped: what it registered to run at exit must stay, too. */
void ocr_freep(struct ocr **o)
{
    if (*o && (*o)->api)
        (*o)->call.delete((*o)->api);
    free(*o);
    *o = NULL;
}

const char *ocr_version(const struct ocr *o)
{
    return o->version;
}

const char *ocr_sha256(const struct ocr *o)
{
    return o->sha256;
}

/* ---- reading ---- */

/* Pixels: left, top, width, height. */
struct part {
    int x, y, w, h;
};

static int clamp(double v, int low, int high)
{
    return !(v > low) ? low : v < high ? (int)v : high;
}

static struct part part_of(const struct picture *p, const struct box *region)
{
    struct part r = {0, 0, p->width, p->height};

    if (region) {
        r.x = clamp(floor((double)region->x * p->width), 0, p->width);
        r.y = clamp(floor((double)region->y * p->height), 0, p->height);
        r.w = clamp(ceil(((double)region->x + (double)region->w) * p->width), r.x, p->width) - r.x;
        r.h = clamp(ceil(((double)region->y + (double)region->h) * p->height), r.y, p->height) - r.y;
    }
    return r;
}

/* What stops the engine between two words. */
struct stop {
    int64_t deadline_mono_us;
    bool late, too_many;
};

static bool must_stop(void *arg, int words)
{
    struct stop *s = arg;

    s->too_many = s->too_many || words > OCR_MAX_WORDS;
    s->late = s->late || (s->deadline_mono_us && clock_mono_us() >= s->deadline_mono_us);
    return s->too_many || s->late;
}

static int recognize(struct ocr *o, struct stop *stop, struct err *err)
{
    ETEXT_DESC *monitor = o->call.create_monitor();
    int r;

    o->call.set_cancel(monitor, must_stop);
    o->call.set_cancel_arg(monitor, stop);
    r = o->call.recognize(o->api, monitor);
    o->call.delete_monitor(monitor);
    if (stop->late)
        return FAIL(err, ERR_TIMEOUT, "the deadline passed before all text was read");
    if (stop->too_many)
        return FAIL(err, ERR_LIMIT, "a picture with more than %d words", OCR_MAX_WORDS);
    return r == 0 ? 0 : FAIL(err, ERR_MODEL, "Tesseract failed on a picture");
}

/* false: there is no word here. */
static bool word_at(const struct ocr *o, struct arena *a, const TessResultIterator *it,
                    const struct picture *p, const struct part *part, struct ocr_word *ret)
{
    const TessPageIterator *page = o->call.page_of(it);
    int left, top, right, bottom;
    char *text = o->call.text(it, RIL_WORD);

    if (!text || !o->call.box(page, RIL_WORD, &left, &top, &right, &bottom)) {
        o->call.delete_text(text);
        return false;
    }
    ret->text = arena_strdup(a, text);
    o->call.delete_text(text);
    ret->confidence = fminf(fmaxf(o->call.confidence(it, RIL_WORD) / 100, 0), 1);
    ret->box =
        (struct box){(float)(part->x + left) / (float)p->width, (float)(part->y + top) / (float)p->height,
                     (float)(right - left) / (float)p->width, (float)(bottom - top) / (float)p->height};
    return true;
}

static void collect(const struct ocr *o, struct arena *a, const struct picture *p, const struct part *part,
                    struct ocr_word **ret_words, size_t *ret_n)
{
    TessResultIterator *it = o->call.iterator(o->api);
    struct ocr_word *words = NULL, word = {0};
    size_t n = 0, cap = 0;
    int line = -1;

    while (it && n < OCR_MAX_WORDS) {
        line += n == 0 || o->call.begins(o->call.page_of(it), RIL_TEXTLINE);
        word.line = line;
        if (word_at(o, a, it, p, part, &word))
            ARENA_PUSH(a, words, n, cap) = word;
        if (!o->call.next(it, RIL_WORD))
            break;
    }
    if (it)
        o->call.delete_iterator(it);
    *ret_words = words;
    *ret_n = n;
}

int ocr_read(struct ocr *o, struct arena *a, const struct picture *luma, const struct box *region,
             int64_t deadline_mono_us, struct ocr_word **ret_words, size_t *ret_n, struct err *err)
{
    struct part part = part_of(luma, region);
    struct stop stop = {.deadline_mono_us = deadline_mono_us};
    int r;

    if (luma->channels != 1)
        return FAIL(err, ERR_INTERNAL, "text is read in grey pictures");
    if (part.w > OCR_MAX_SIDE || part.h > OCR_MAX_SIDE)
        return FAIL(err, ERR_LIMIT, "a picture of %dx%d is too large to read", part.w, part.h);
    if (must_stop(&stop, 0))
        return FAIL(err, ERR_TIMEOUT, "the deadline passed before all text was read");
    *ret_words = NULL;
    *ret_n = 0;
    if (part.w < 3 || part.h < 3) /* smaller ones make the layout search complain */
        return 0;
    o->call.set_image(o->api, luma->pixels + (size_t)part.y * (size_t)luma->width + (size_t)part.x, part.w,
                      part.h, 1, luma->width);
    o->call.set_resolution(o->api, PPI);
    r = recognize(o, &stop, err);
    if (r == 0)
        collect(o, a, luma, &part, ret_words, ret_n);
    o->call.clear(o->api);
    return r;
}
