#include "infer/language.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"

/* CLD2 has a C++ interface of two plain functions. They are found by the names that every C++ compiler on
 * Linux gives them (the Itanium ABI), so that neither a C++ compiler nor its library at link time is needed:
 *     CLD2::Language CLD2::DetectLanguageCheckUTF8(const char *, int, bool is_plain, bool *, int *)
 *     const char *CLD2::LanguageCode(CLD2::Language)
 * An enum of C++ without values above INT_MAX travels as an int. */
static const char *const library_name = "libcld2.so.0";
static const char *const detect_name = "_ZN4CLD223DetectLanguageCheckUTF8EPKcibPbPi";
static const char *const code_name = "_ZN4CLD212LanguageCodeENS_8LanguageE";

struct languages {
    int (*detect)(const char *text, int len, bool is_plain, bool *ret_reliable, int *ret_valid);
    const char *(*code)(int language);
};

/* CLD2 knows two languages by codes that ISO has withdrawn. */
static const struct {
    const char *old, *now;
} renamed[] = {{"iw", "he"}, {"jw", "jv"}};

int languages_open(struct languages **ret_languages, struct err *err)
{
    CLEANUP(languages_freep) struct languages *l = mem_alloc(sizeof *l);
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL), *detect, *code;

    if (!library)
        return FAIL(err, ERR_MODEL,
                    "CLD2 is not installed, so the language of a text is not told: apt install libcld2-0");
    detect = dlsym(library, detect_name);
    code = dlsym(library, code_name);
    if (!detect || !code)
        return FAIL(err, ERR_MODEL, "%s is not the CLD2 of Debian", library_name);
    memcpy(&l->detect, &detect, sizeof detect);
    memcpy(&l->code, &code, sizeof code);
    *ret_languages = TAKE(l);
    return 0;
}

void languages_freep(struct languages **l)
{
    free(*l);
    *l = NULL;
}

/* Of any script; what is not ASCII counts as a letter, but for the general punctuation of U+2000 to U+2BFF.
 */
static size_t count_letters(const char *utf8)
{
    size_t n = 0;

    for (const unsigned char *p = (const unsigned char *)utf8; *p; p++) {
        bool ascii = (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z';
        bool other = *p >= 0xc3 && !(*p == 0xe2 && p[1] <= 0xaf);
        n += ascii || other;
    }
    return n;
}

/* "zh-Hant" is "zh"; "un", "xxx" and codes of three letters are none. */
static const char *iso_of(const char *code)
{
    static const char table[][3] = {"zh", "sr"};
    size_t n = strcspn(code, "-");

    for (size_t i = 0; i < COUNT_OF(renamed); i++)
        if (text_is(code, renamed[i].old))
            return renamed[i].now;
    for (size_t i = 0; code[n] && i < COUNT_OF(table); i++)
        if (n == 2 && memcmp(code, table[i], 2) == 0)
            return table[i];
    return n == 2 && !code[n] && !text_is(code, "un") ? code : NULL;
}

const char *language_of(const struct languages *l, const char *utf8)
{
    size_t n = strlen(utf8);
    bool reliable = false;
    int valid = 0, language;

    if (!l || n > INT_MAX || count_letters(utf8) < LANGUAGE_MIN_LETTERS)
        return NULL;
    language = l->detect(utf8, (int)n, true, &reliable, &valid);
    return reliable && (size_t)valid == n ? iso_of(l->code(language)) : NULL;
}
