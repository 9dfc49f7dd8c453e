/* RFC 2046 framing and RFC 7578 forms, one pass over the bytes.
 *
 *   PREAMBLE --delimiter--> AFTER --CRLF--> HEADERS --empty line--> BODY --delimiter--> AFTER --"--"-->
 * EPILOGUE
 *
 * The delimiter is CRLF "--" boundary. Its first byte, CR, cannot occur in it again (a boundary holds no CR),
 * so after a mismatch every byte matched so far is data and only the byte at hand can begin a new match: no
 * going back, O(n) on any input. A match that spans two pieces is kept as its length; its bytes are those of
 * the delimiter. */
#include "net/multipart.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/server_int.h"

enum { PARTS = 64, MAX_HEADERS = 8 << 10, MAX_BOUNDARY = 70 };

enum state { PREAMBLE, AFTER, HEADERS, BODY, EPILOGUE, FAILED };

struct multipart {
    const struct multipart_events *events;
    void *arg;
    enum state state;
    char delimiter[4 + MAX_BOUNDARY + 1];
    size_t delimiter_len;
    size_t matched; /* bytes of the delimiter seen so far */
    size_t unreal;  /* of these, the first ones which were not bytes of the body: its CRLF ended the line
                       before */
    char after[2];  /* AFTER: what follows the boundary on its line */
    size_t nafter;
    bool in_part;
    int nparts, max_parts;
    struct arena *arena; /* of the part at hand */
    struct part part;
    bool has_disposition;
    size_t line; /* where the header line at hand begins in `headers` */
    size_t nheaders;
    char headers[MAX_HEADERS];
};

/* ---- header values ---- */

static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

/* At the opening quote; moves *s behind the closing one. A backslash only escapes a quote or itself: some
 * clients send whole Windows paths without escaping them. */
static char *read_quoted(struct arena *a, const char **s)
{
    char *text = arena_alloc(a, strlen(*s) + 1), *out = text;
    const char *p = *s + 1;

    for (; *p && *p != '"'; p++) {
        if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
            p++;
        *out++ = *p;
    }
    if (*p != '"')
        return NULL;
    *s = p + 1;
    return text;
}

/* One "; name=value" of a header value. 1, 0 at its end, -1 when it is malformed. */
static int read_param(struct arena *a, const char **s, char **ret_name, char **ret_value)
{
    const char *p = skip_blanks(*s), *begin;

    if (!*p)
        return 0;
    if (*p != ';')
        return -1;
    p = skip_blanks(p + 1);
    if (!*p)
        return 0; /* a lone semicolon at the end is common */
    for (begin = p; is_token_char(*p);)
        p++;
    if (p == begin || *p != '=')
        return -1;
    *ret_name = arena_strndup(a, begin, (size_t)(p - begin));
    begin = ++p;
    if (*p == '"') {
        *ret_value = read_quoted(a, &p);
    } else {
        p += strcspn(p, "; \t\"");
        *ret_value = p > begin ? arena_strndup(a, begin, (size_t)(p - begin)) : NULL;
    }
    *s = p;
    return *ret_value ? 1 : -1;
}

/* Whether a header value is `word`, alone or with parameters; moves *s behind it. */
static bool take_word(const char **s, const char *word)
{
    const char *p = skip_blanks(*s);
    size_t n = strcspn(p, "; \t");

    if (n != strlen(word) || strncasecmp(p, word, n) != 0)
        return false;
    *s = p + n;
    return true;
}

/* RFC 8187: UTF-8'language'percent-encoded. NULL when it is anything else. */
static char *read_extended(struct arena *a, const char *value)
{
    const char *text = strchr(value, '\'');
    char *name;
    size_t n;

    if (!text || strncasecmp(value, "UTF-8'", 6) != 0 || !(text = strchr(text + 1, '\'')))
        return NULL;
    n = strlen(++text);
    if (!percent_is_valid(text, n))
        return NULL;
    name = percent_decode(a, text, n);
    return text_is_utf8(name, strlen(name)) ? name : NULL;
}

/* ---- the headers of a part ---- */

static int take_disposition(struct multipart *mp, const char *s, struct err *err)
{
    const char *name = NULL, *plain = NULL, *extended = NULL;
    char *key, *value;
    int more;

    if (mp->has_disposition || !take_word(&s, "form-data"))
        return FAIL(err, ERR_INPUT, "a part's Content-Disposition is not one form-data line");
    mp->has_disposition = true;
    while ((more = read_param(mp->arena, &s, &key, &value)) > 0) {
        const char **slot = text_is_nocase(key, "name")        ? &name
                            : text_is_nocase(key, "filename")  ? &plain
                            : text_is_nocase(key, "filename*") ? &extended
                                                               : NULL;
        if (slot && *slot)
            return FAIL(err, ERR_INPUT, "a part's Content-Disposition has \"%s\" twice", key);
        if (slot)
            *slot = slot == &extended ? read_extended(mp->arena, value) : value;
        if (slot == &extended && !extended)
            return FAIL(err, ERR_INPUT, "a part's filename* is not UTF-8''percent-encoded text");
    }
    if (more < 0)
        return FAIL(err, ERR_INPUT, "a part's Content-Disposition is malformed; quote its values");
    mp->part.name = name ? name : "";
    mp->part.file_name = extended ? extended : plain;
    return 0;
}

static int take_encoding(struct multipart *mp, const char *value, struct err *err)
{
    (void)mp;
    if (text_is_nocase(value, "binary") || text_is_nocase(value, "8bit") || text_is_nocase(value, "7bit"))
        return 0;
    return FAIL(err, ERR_UNSUPPORTED, "a part has a Content-Transfer-Encoding; send its bytes as they are");
}

static int take_type(struct multipart *mp, const char *value, struct err *err)
{
    if (mp->part.type)
        return FAIL(err, ERR_INPUT, "a part has two Content-Type lines");
    mp->part.type = arena_strdup(mp->arena, value);
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct multipart *mp, const char *value, struct err *err);
} part_headers[] = {
    {"Content-Disposition", take_disposition},
    {"Content-Type", take_type},
    {"Content-Transfer-Encoding", take_encoding},
};

static bool has_controls(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
            return true;
    return false;
}

/* A complete line of n bytes without its CRLF, NUL-terminated in place. */
static int take_header(struct multipart *mp, char *line, size_t n, struct err *err)
{
    char *colon = line, *value, *end = line + n;

    while (is_token_char(*colon))
        colon++;
    if (*colon != ':' || colon == line || has_controls(line, n))
        return FAIL(err, ERR_INPUT, "a part has a malformed header line");
    *colon = '\0';
    for (value = colon + 1; *value == ' ' || *value == '\t'; value++)
        ;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    for (size_t i = 0; i < COUNT_OF(part_headers); i++)
        if (text_is_nocase(line, part_headers[i].name))
            return part_headers[i].take(mp, value, err);
    return 0;
}

static int begin_part(struct multipart *mp, struct err *err)
{
    mp->state = BODY;
    mp->in_part = true;
    mp->matched = mp->unreal = 2; /* an empty part may leave out the CRLF before its delimiter */
    return mp->events->begin(mp->arg, &mp->part, err);
}

/* A line feed has just been stored. */
static int end_line(struct multipart *mp, struct err *err)
{
    char *line = mp->headers + mp->line;
    size_t n = mp->nheaders - mp->line;

    if (n < 2 || line[n - 2] != '\r')
        return FAIL(err, ERR_INPUT, "a part's header line does not end in CR LF");
    if (n == 2)
        return begin_part(mp, err);
    line[n - 2] = '\0';
    mp->line = mp->nheaders;
    return take_header(mp, line, n - 2, err);
}

static int feed_headers(struct multipart *mp, struct bytes *piece, struct err *err)
{
    const uint8_t *lf = memchr(piece->data, '\n', piece->len);
    size_t n = lf ? (size_t)(lf - piece->data) + 1 : piece->len;

    if (n > MAX_HEADERS - mp->nheaders)
        return FAIL(err, ERR_LIMIT, "the headers of a part are over %d bytes", MAX_HEADERS);
    memcpy(mp->headers + mp->nheaders, piece->data, n);
    mp->nheaders += n;
    *piece = bytes_of(piece->data + n, piece->len - n);
    return lf ? end_line(mp, err) : 0;
}

/* ---- delimiters ---- */

static int new_part(struct multipart *mp, struct err *err)
{
    if (mp->nparts++ == mp->max_parts)
        return FAIL(err, ERR_LIMIT, "the form has more than %d parts", mp->max_parts);
    arena_free(mp->arena);
    mp->arena = arena_new();
    mp->part = (struct part){.name = ""};
    mp->has_disposition = false;
    mp->line = mp->nheaders = 0;
    mp->state = HEADERS;
    return 0;
}

/* The delimiter's line is "--" (the last one), or blanks and CR LF. */
static int feed_after(struct multipart *mp, struct bytes *piece, struct err *err)
{
    char c = (char)*piece->data;
    bool last, next;

    *piece = bytes_of(piece->data + 1, piece->len - 1);
    if (mp->nafter == 0 && (c == ' ' || c == '\t'))
        return 0;
    mp->after[mp->nafter++] = c;
    if (mp->nafter < 2)
        return 0;
    last = memcmp(mp->after, "--", 2) == 0;
    next = memcmp(mp->after, "\r\n", 2) == 0;
    if (!last && !next)
        return FAIL(err, ERR_INPUT, "the form's boundary is followed by other text on its line");
    if (mp->in_part && mp->events->end(mp->arg, err) != 0)
        return -1;
    mp->in_part = false;
    if (next)
        return new_part(mp, err);
    mp->state = EPILOGUE;
    return 0;
}

static int give(struct multipart *mp, const void *data, size_t n, struct err *err)
{
    return mp->in_part && n ? mp->events->data(mp->arg, bytes_of(data, n), err) : 0;
}

/* The match that began in an earlier piece turned out to be data. */
static int give_held(struct multipart *mp, struct err *err)
{
    size_t from = mp->unreal;

    mp->unreal = 0;
    return give(mp, mp->delimiter + from, mp->matched - from, err);
}

/* Matches on from p. Stops at the end, behind a whole delimiter, or at the byte that does not fit. */
static const uint8_t *match(struct multipart *mp, const uint8_t *p, const uint8_t *end)
{
    while (p < end && mp->matched < mp->delimiter_len && *p == (uint8_t)mp->delimiter[mp->matched]) {
        mp->matched++;
        p++;
    }
    return p;
}

/* Preamble or body: looks for the delimiter; what is before it is data. Data is given in runs as long as the
 * piece allows: a body full of false starts costs no more calls than any other. */
static int feed_data(struct multipart *mp, struct bytes *piece, struct err *err)
{
    const uint8_t *from = piece->data, *end = from + piece->len, *p = from, *cr;
    size_t held = mp->matched;

    p = match(mp, p, end);
    if (held && mp->matched < mp->delimiter_len && p < end) {
        mp->matched = held;
        if (give_held(mp, err) < 0)
            return -1;
        held = mp->matched = 0; /* and what this piece added to the match is data from `from` on */
    }
    while (mp->matched < mp->delimiter_len && p < end) {
        mp->matched = 0;
        cr = memchr(p, '\r', (size_t)(end - p));
        p = cr ? match(mp, cr, end) : end;
    }
    if (!held && give(mp, from, (size_t)(p - from) - mp->matched, err) < 0)
        return -1;
    *piece = bytes_of(p, (size_t)(end - p));
    if (mp->matched == mp->delimiter_len) {
        mp->matched = mp->unreal = mp->nafter = 0;
        mp->state = AFTER;
    }
    return 0;
}

static int feed_epilogue(struct multipart *mp, struct bytes *piece, struct err *err)
{
    (void)mp, (void)err;
    piece->len = 0;
    return 0;
}

static int feed_failed(struct multipart *mp, struct bytes *piece, struct err *err)
{
    (void)mp, (void)piece;
    return FAIL(err, ERR_INPUT, "the form is malformed");
}

static int (*const feeds[])(struct multipart *mp, struct bytes *piece, struct err *err) = {
    [PREAMBLE] = feed_data, [AFTER] = feed_after,       [HEADERS] = feed_headers,
    [BODY] = feed_data,     [EPILOGUE] = feed_epilogue, [FAILED] = feed_failed,
};

int multipart_feed(struct multipart *mp, struct bytes piece, struct err *err)
{
    while (piece.len > 0)
        if (feeds[mp->state](mp, &piece, err) != 0) {
            mp->state = FAILED;
            return -1;
        }
    return 0;
}

int multipart_finish(struct multipart *mp, struct err *err)
{
    if (mp->state == EPILOGUE)
        return 0;
    if (mp->state == FAILED)
        return FAIL(err, ERR_INPUT, "the form is malformed");
    if (mp->state == PREAMBLE)
        return FAIL(err, ERR_INPUT, "the body does not hold the boundary that its Content-Type names");
    return FAIL(err, ERR_INPUT, "the form ends before its closing boundary; was the upload cut off?");
}

/* ---- the boundary ---- */

static bool boundary_is_valid(const char *s)
{
    static const char others[] = "'()+_,-./:=? ";
    size_t n = strlen(s);

    if (n == 0 || n > MAX_BOUNDARY || s[n - 1] == ' ')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') ||
              strchr(others, s[i])))
            return false;
    return true;
}

static int read_boundary(struct multipart *mp, const char *params, struct err *err)
{
    const char *boundary = NULL;
    char *key, *value;
    int more;

    while ((more = read_param(mp->arena, &params, &key, &value)) > 0) {
        if (!text_is_nocase(key, "boundary"))
            continue;
        if (boundary)
            return FAIL(err, ERR_INPUT, "the Content-Type names two boundaries");
        boundary = value;
    }
    if (more < 0 || !boundary || !boundary_is_valid(boundary))
        return FAIL(err, ERR_INPUT,
                    "the Content-Type names no usable boundary (1 to %d characters of RFC 2046)",
                    MAX_BOUNDARY);
    mp->delimiter_len = 4 + strlen(boundary);
    memcpy(mp->delimiter, "\r\n--", 4);
    memcpy(mp->delimiter + 4, boundary, mp->delimiter_len - 4);
    return 0;
}

int multipart_new(struct multipart **ret_mp, const char *content_type, const struct multipart_events *events,
                  void *arg, struct err *err)
{
    CLEANUP(multipart_freep) struct multipart *mp = mem_alloc(sizeof *mp);

    if (!content_type || !take_word(&content_type, "multipart/form-data"))
        return FAIL(err, ERR_UNSUPPORTED,
                    "the body is not multipart/form-data; send the file as a form part");
    mp->arena = arena_new();
    if (read_boundary(mp, content_type, err) < 0)
        return -1;
    mp->events = events;
    mp->arg = arg;
    mp->max_parts = PARTS;
    mp->matched = mp->unreal = 2; /* the first delimiter may stand at the very start */
    *ret_mp = TAKE(mp);
    return 0;
}

void multipart_allow(struct multipart *mp, int parts)
{
    mp->max_parts = parts;
}

void multipart_freep(struct multipart **mp)
{
    if (!*mp)
        return;
    arena_free((*mp)->arena);
    free(*mp);
    *mp = NULL;
}
