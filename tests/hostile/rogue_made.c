/* Files that are no clip at all, name other files, or are built to be deep or many. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "craft.h"
#include "rogue_int.h"

/* ---- wrong types ---- */

#define RAW(text)              \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct {
    const char *what;
    struct {
        const char *data;
        size_t len;
    } start;
    size_t filler; /* random bytes behind it */
} types[] = {
    {"nothing", RAW(""), 0},
    {"one byte", RAW("A"), 0},
    {"one zero", RAW("\0"), 0},
    {"text", RAW("This is not a video. Nobody was here.\n"), 0},
    {"html", RAW("<!DOCTYPE html><html><body><video src='http://127.0.0.1/x.mp4'></video></body></html>\n"),
     0},
    {"svg", RAW("<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>\n"), 0},
    {"json", RAW("{\"risk\": \"safe\", \"verdict\": {\"rule\": \"alarm/1\"}}\n"), 0},
    {"zip", RAW("PK\003\004\024\0\0\0\010\0\0\0\0\0\0\0\0\0\0\0\020\0\0\0\0\012\012\0\0\0clip00.mp4"), 4096},
    {"gzip", RAW("\037\213\010\0\0\0\0\0\0\003"), 4096},
    {"xz", RAW("\3757zXZ\0\0\004"), 4096},
    {"elf", RAW("\177ELF\002\001\001\0\0\0\0\0\0\0\0\0\003\0\076\0\001\0\0\0"), 4096},
    {"windows program", RAW("MZ\220\0\003\0\0\0\004\0\0\0\377\377\0\0\270\0\0\0\0\0\0\0\100"), 4096},
    {"script", RAW("#!/bin/sh\ncat /etc/passwd\n"), 0},
    {"pdf", RAW("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n"), 4096},
    {"sqlite", RAW("SQLite format 3\0\020\0\001\001\0\100\040\040"), 4096},
    {"class file", RAW("\312\376\272\276\0\0\0\064"), 4096},
    {"id3 and nothing", RAW("ID3\004\0\0\177\177\177\177"), 4096},
    {"riff of nothing", RAW("RIFF\377\377\377\377WAVE"), 0},
    {"ftyp and nothing", RAW("\0\0\0\030ftypisom\0\0\002\0isomiso2"), 0},
    {"ftyp and noise", RAW("\0\0\0\030ftypisom\0\0\002\0isomiso2"), 65536},
    {"ebml and noise", RAW("\032\105\337\243\237\102\206\201\001"), 65536},
    {"ogg and noise", RAW("OggS\0\002\0\0\0\0\0\0\0\0"), 65536},
    {"asf and noise", RAW("\060\046\262\165\216\146\317\021\246\331\0\252\0\142\316\154"), 65536},
    {"flv and noise", RAW("FLV\001\005\0\0\0\011\0\0\0\0"), 65536},
    {"jpeg and noise", RAW("\377\330\377\340\0\020JFIF\0\001\001"), 65536},
    {"png and noise", RAW("\211PNG\r\n\032\n"), 65536},
    {"gif and noise", RAW("GIF89a\100\001\360\0\367\0\0"), 65536},
    {"webp and noise", RAW("RIFF\0\020\0\0WEBPVP8X\012\0\0\0"), 65536},
    {"sync bytes", RAW("\107\107\107\107\107\107\107\107\107\107\107\107\107\107\107\107"), 0},
    {"noise", RAW(""), 300000},
    {"little noise", RAW(""), 100},
    {"utf-16", RAW("\377\376V\0i\0d\0e\0o\0"), 0},
    {"subrip", RAW("1\n00:00:00,000 --> 00:00:02,000\nNobody was here.\n"), 0},
    {"webvtt", RAW("WEBVTT\n\n00:00.000 --> 00:02.000\nNobody was here.\n"), 0},
    {"midi", RAW("MThd\0\0\0\006\0\001\0\002\0\140MTrk"), 512},
};

static size_t types_count(const struct rogues *r)
{
    (void)r;
    return COUNT_OF(types);
}

static struct rogue types_make(const struct rogues *r, struct arena *a, size_t n)
{
    struct bytes start = bytes_of(types[n].start.data, types[n].start.len);

    (void)r;
    return (struct rogue){types[n].what, ROGUE_NOTHING,
                          craft_join(a, start, craft_random(a, types[n].filler, n))};
}

/* ---- references: @ is the path of the canary, # the trap's port ---- */

static const struct {
    const char *what, *text;
} references[] = {
    {"hls of a file", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://@\n#EXT-X-ENDLIST\n"},
    {"hls of a path", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n@\n#EXT-X-ENDLIST\n"},
    {"hls of an address", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:#/a.ts\n"},
    {"hls with a key",
     "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"http://127.0.0.1:#/k\"\n#EXTINF:1,\ncrypto+file:@\n"},
    {"hls with a map", "#EXTM3U\n#EXT-X-MAP:URI=\"@\"\n#EXTINF:1,\nhttp://127.0.0.1:#/s\n"},
    {"hls master", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1:#/m.m3u8\n"},
    {"hls of a concat", "#EXTM3U\n#EXTINF:1,\nconcat:@|http://127.0.0.1:#/x\n"},
    {"hls of a part", "#EXTM3U\n#EXTINF:1,\nsubfile,,start,0,end,99,,:@\n"},
    {"hls behind blanks", "   \n\n#EXTM3U\n#EXTINF:1,\nfile://@\n"},
    {"hls behind a mark", "\xef\xbb\xbf#EXTM3U\n#EXTINF:1,\nfile://@\n"},
    {"playlist", "@\nhttp://127.0.0.1:#/a.mp4\n"},
    {"pls", "[playlist]\nFile1=http://127.0.0.1:#/a\nNumberOfEntries=1\n"},
    {"asx", "<asx version=\"3.0\"><entry><ref href=\"http://127.0.0.1:#/a\"/></entry></asx>\n"},
    {"asf reference", "[Reference]\nRef1=http://127.0.0.1:#/x?MSWMExt=.asf\n"},
    {"ram", "rtsp://127.0.0.1:#/x\n"},
    {"rtsp", "RTSPtext\nrtsp://127.0.0.1:#/x\n"},
    {"xspf",
     "<?xml version=\"1.0\"?><playlist><trackList><track><location>file://@</location></track></trackList>"},
    {"smil", "<smil><body><video src=\"http://127.0.0.1:#/a.mp4\"/></body></smil>\n"},
    {"concat script", "ffconcat version 1.0\nfile '@'\nfile 'http://127.0.0.1:#/a.mp4'\n"},
    {"concat script without a head", "file '@'\n"},
    {"concat protocol", "concat:@|@"},
    {"file protocol", "file:@"},
    {"data protocol", "data:video/mp4;base64,AAAA"},
    {"pipe protocol", "pipe:0"},
    {"sequence of pictures", "@%03d.png"},
    {"dash",
     "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
     "type=\"static\"><Period><AdaptationSet "
     "mimeType=\"video/mp4\"><Representation><BaseURL>http://127.0.0.1:#/a.mp4</BaseURL></Representation>"
     "</AdaptationSet></Period></MPD>"},
    {"dash of a file", "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
                       "type=\"static\"><Period><AdaptationSet "
                       "mimeType=\"video/mp4\"><Representation><BaseURL>@</BaseURL></Representation></"
                       "AdaptationSet></Period></MPD>"},
    {"entities", "<?xml version=\"1.0\"?><!DOCTYPE MPD [<!ENTITY x SYSTEM \"file://@\">]><MPD>&x;</MPD>"},
    {"many laughs",
     "<?xml version=\"1.0\"?><!DOCTYPE MPD [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><MPD>&b;</MPD>"},
    {"sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video # RTP/AVP/TCP 96\n"
            "a=rtpmap:96 H264/90000\n"},
    {"composition list",
     "<?xml version=\"1.0\"?><CompositionPlaylist xmlns=\"http://www.smpte-ra.org/schemas/2067-3/2016\"/>"},
    {"ffmetadata", ";FFMETADATA1\ntitle=@\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1\n"},
    {"avisynth", "AviSource(\"@\")\n"},
    {"vapoursynth", "import vapoursynth as vs\nopen('@')\n"},
    {"cue", "FILE \"@\" BINARY\n  TRACK 01 MODE1/2352\n"},
};

static struct bytes reference_text(const struct rogues *r, struct arena *a, const char *text)
{
    struct buf out = BUF(1 << 16);
    struct bytes all;

    for (; *text; text++)
        if (*text == '@')
            buf_str(&out, r->opts.canary);
        else if (*text == '#' && text[1] && strchr("/ ", text[1]))
            buf_printf(&out, "%d", r->opts.trap_port);
        else
            buf_add(&out, text, 1);
    all = bytes_of(craft_copy(a, buf_bytes(&out)), out.len);
    buf_clear(&out);
    return all;
}

static size_t references_count(const struct rogues *r)
{
    (void)r;
    return COUNT_OF(references) * 2;
}

/* Once alone, once with a tail of zeros, as large as a clip. */
static struct rogue references_make(const struct rogues *r, struct arena *a, size_t n)
{
    struct bytes text = reference_text(r, a, references[n / 2].text);

    if (n % 2)
        text = craft_join(a, text, bytes_of(craft_room(a, 1 << 17), 1 << 17));
    return (struct rogue){references[n / 2].what, ROGUE_NOTHING, text};
}

/* An AVI whose subtitles are a playlist: libavformat opens such a track with a second demuxer. */
static struct bytes gab2(const struct rogues *r, struct arena *a)
{
    struct bytes whole = rogue_sample(r, "avi mpeg4"),
                 list = reference_text(r, a, "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:#/s\nfile://@\n"), track,
                 name, text;
    uint8_t *strl, *head = craft_room(a, 64), *copy = craft_copy(a, whole), *gab = craft_room(a, 23);

    if (!whole.len || !(strl = memmem(copy, whole.len, "LIST", 4)))
        return whole;
    memcpy(head, "strh\070\0\0\0txts", 12);
    memcpy(gab, "GAB2\0\002\0\004\0\0\0", 11);
    gab[17] = (uint8_t)list.len;
    gab[18] = (uint8_t)(list.len >> 8);
    name = craft_join(a, bytes_of(head, 64), bytes_of("strf\0\0\0", 8));
    track = craft_join(a, bytes_of("LIST\124\0\0\0strl", 12), name);
    text = craft_join(a, bytes_of("02tx\377\0\0\0", 8), craft_join(a, bytes_of(gab, 21), list));
    return craft_join(a, craft_join(a, bytes_of(copy, 212 < whole.len ? 212 : whole.len), track), text);
}

/* ---- nests ---- */

static struct bytes nested_boxes(struct arena *a, const char *outer, const char *inner, uint32_t depth)
{
    uint8_t *all = craft_room(a, (size_t)depth * 8);

    for (uint32_t i = 0; i < depth; i++) {
        craft_put32(all + 8 * i, (depth - i) * 8);
        memcpy(all + 8 * i + 4, i ? inner : outer, 4);
    }
    return bytes_of(all, (size_t)depth * 8);
}

/* The element again and again, each with the rest of the file in it (size unknown, or 8 bytes of size). */
static struct bytes nested_elements(struct arena *a, const char *id, size_t depth, bool unknown)
{
    size_t id_len = strlen(id), each = id_len + 8, all_len = depth * each;
    uint8_t *all = craft_room(a, all_len);

    for (size_t i = 0; i < depth; i++) {
        uint8_t *at = all + i * each;
        memcpy(at, id, id_len);
        memset(at + id_len, unknown ? 0xff : 0, 8);
        at[id_len] = 1;
        if (!unknown)
            craft_put32(at + id_len + 4, (uint32_t)(all_len - (i + 1) * each));
    }
    return bytes_of(all, all_len);
}

static struct bytes nested_matroska(struct arena *a, const char *id, bool unknown)
{
    static const char head[] =
        "\032\105\337\243\213\102\202\210matroska\030\123\200\147\001\377\377\377\377\377\377\377";

    return craft_join(a, bytes_of(head, sizeof head - 1), nested_elements(a, id, 10000, unknown));
}

static struct bytes nested_riff(struct arena *a)
{
    enum { DEPTH = 10000 };
    uint8_t *all = craft_room(a, 12 * (DEPTH + 1));

    memcpy(all, "RIFF\377\377\377\177AVI ", 12);
    for (size_t i = 1; i <= DEPTH; i++)
        memcpy(all + 12 * i, "LIST\377\377\377\177hdrl", 12);
    return bytes_of(all, 12 * (DEPTH + 1));
}

static const struct {
    const char *outer, *inner;
} nests[] = {{"moov", "trak"}, {"moov", "moov"}, {"moof", "traf"}, {"meta", "meta"}, {"moov", "udta"},
             {"ftyp", "moov"}, {"moov", "mdia"}, {"moov", "stsd"}, {"moov", "cmov"}, {"free", "free"}};
static const char *const elements[] = {
    "\022\124\303\147", "\147\310", "\163\163",         "\105\271", "\266",
    "\037\103\266\165", "\240",     "\034\123\273\153", "\155\200", "\142\100"};

static size_t nests_count(const struct rogues *r)
{
    (void)r;
    return COUNT_OF(nests) * 2 + COUNT_OF(elements) * 2 + 1;
}

static struct rogue nests_make(const struct rogues *r, struct arena *a, size_t n)
{
    size_t boxes = COUNT_OF(nests) * 2, k = n - boxes;

    (void)r;
    if (n < boxes)
        return (struct rogue){
            arena_printf(a, "%s in %s", nests[n / 2].inner, nests[n / 2].outer), ROGUE_NOTHING,
            nested_boxes(a, nests[n / 2].outer, nests[n / 2].inner, n % 2 ? 100000 : 10000)};
    if (k < 2 * COUNT_OF(elements))
        return (struct rogue){arena_printf(a, "elements in each other, %zu", k), ROGUE_NOTHING,
                              nested_matroska(a, elements[k / 2], k % 2)};
    return (struct rogue){"lists in lists", ROGUE_NOTHING, nested_riff(a)};
}

/* ---- crowds ---- */

/* The clip with its track that many times. */
static struct bytes many_tracks(const struct rogues *r, struct arena *a, size_t n)
{
    struct bytes whole = rogue_sample(r, "mp4 mpeg4");
    uint8_t *copy = craft_copy(a, whole), *moov = craft_box(copy, whole.len, "moov"),
            *trak = craft_box(copy, whole.len, "trak"), *all;
    size_t one = craft_get32(trak), head = (size_t)(trak - copy);

    all = craft_room(a, head + n * one);
    craft_put32(moov, (uint32_t)((size_t)(trak - moov) + n * one));
    memcpy(all, copy, head);
    for (size_t i = 0; i < n; i++)
        memcpy(all + head + i * one, trak, one);
    return bytes_of(all, head + n * one);
}

/* The bytes of a file over and over. */
static struct bytes repeated(struct arena *a, struct bytes one, size_t n)
{
    uint8_t *all = craft_room(a, one.len * n);

    for (size_t i = 0; i < n; i++)
        memcpy(all + i * one.len, one.data, one.len);
    return bytes_of(all, one.len * n);
}

static struct rogue tracks_32(const struct rogues *r, struct arena *a)
{
    return (struct rogue){"32 tracks", ROGUE_ANY, many_tracks(r, a, 32)};
}

static struct rogue tracks_1000(const struct rogues *r, struct arena *a)
{
    return (struct rogue){"1,000 tracks", ROGUE_ANY, many_tracks(r, a, 1000)};
}

static struct rogue tracks_10000(const struct rogues *r, struct arena *a)
{
    return (struct rogue){"10,000 tracks", ROGUE_ANY, many_tracks(r, a, 10000)};
}

static struct rogue gab2_subtitles(const struct rogues *r, struct arena *a)
{
    return (struct rogue){"playlist as subtitles of an AVI", ROGUE_ANY, gab2(r, a)};
}

static struct rogue compressed_index(const struct rogues *r, struct arena *a)
{
    static const uint8_t ftyp[] = "qt  \0\0\0\0qt  ", zlib[] = "\177\377\377\377\170\234";
    struct bytes bomb = craft_join(a, bytes_of(zlib, sizeof zlib - 1), craft_deflated_zeros(a, 1 << 20)),
                 both =
                     craft_join(a, craft_boxed(a, "dcom", bytes_of("zlib", 4)), craft_boxed(a, "cmvd", bomb));

    (void)r;
    return (struct rogue){"compressed index of 2 GB", ROGUE_NOTHING,
                          craft_join(a, craft_boxed(a, "ftyp", bytes_of(ftyp, sizeof ftyp - 1)),
                                     craft_boxed(a, "moov", craft_boxed(a, "cmov", both)))};
}

static struct rogue gzip_bomb(const struct rogues *r, struct arena *a)
{
    (void)r;
    return (struct rogue){
        "gzip bomb", ROGUE_NOTHING,
        craft_join(a, bytes_of("\037\213\010\0\0\0\0\0\0\003", 10), craft_deflated_zeros(a, 4 << 20))};
}

/* A PNG whose pixels are deflated zeros: 8,192 x 4,096 in a file of 160 times less. */
static struct bytes png_bomb(struct arena *a, uint32_t w, uint32_t h, uint8_t depth, uint8_t colour,
                             size_t packed)
{
    struct bytes body = craft_join(a, bytes_of("\170\234", 2), craft_deflated_zeros(a, packed));
    uint8_t *head = craft_room(a, 33), *idat = craft_room(a, body.len + 12);

    memcpy(head, "\211PNG\r\n\032\n\0\0\0\015IHDR", 16);
    craft_put32(head + 16, w);
    craft_put32(head + 20, h);
    head[24] = depth;
    head[25] = colour;
    craft_put32(head + 29, hash_crc32(bytes_of(head + 12, 17)));
    craft_put32(idat, (uint32_t)body.len);
    memcpy(idat + 4, "IDAT", 4);
    memcpy(idat + 8, body.data, body.len);
    craft_put32(idat + 8 + body.len, hash_crc32(bytes_of(idat + 4, body.len + 4)));
    return craft_join(a, bytes_of(head, 33), bytes_of(idat, body.len + 12));
}

static struct rogue png_bomb_rgb(const struct rogues *r, struct arena *a)
{
    (void)r;
    return (struct rogue){"PNG of 8,192 x 4,096", ROGUE_ANY, png_bomb(a, 8192, 4096, 8, 2, 650000)};
}

static struct rogue png_bomb_deep(const struct rogues *r, struct arena *a)
{
    (void)r;
    return (struct rogue){"PNG of 8,192 x 4,096, 64 bits each", ROGUE_ANY,
                          png_bomb(a, 8192, 4096, 16, 6, 1700000)};
}

static struct rogue png_bomb_film(const struct rogues *r, struct arena *a)
{
    (void)r;
    return (struct rogue){"20 PNGs of 8,192 x 4,096", ROGUE_ANY,
                          repeated(a, png_bomb(a, 8192, 4096, 8, 2, 650000), 20)};
}

static struct rogue png_bomb_largest(const struct rogues *r, struct arena *a)
{
    (void)r;
    return (struct rogue){"PNG of 65,535 x 65,535", ROGUE_NOTHING, png_bomb(a, 65535, 65535, 8, 2, 1 << 20)};
}

/* Empty pictures of the largest size, as many as the time allows. */
static struct rogue gif_bomb(const struct rogues *r, struct arena *a)
{
    static const uint8_t head[] = "GIF89a\0\040\0\020\200\0\0\0\0\0\377\377\377",
                         frame[] = "!\371\004\0\012\0\0\0,\0\0\0\0\0\040\0\020\0\002\002D\001\0";
    struct bytes film = repeated(a, bytes_of(frame, sizeof frame - 1), 2000);

    (void)r;
    return (struct rogue){"GIF of 2,000 pictures of 8,192 x 4,096", ROGUE_ANY,
                          craft_join(a, bytes_of(head, sizeof head - 1), film)};
}

static struct rogue many_stills(const struct rogues *r, struct arena *a)
{
    struct bytes one = rogue_sample(r, "jpeg");

    return (struct rogue){"300 JPEGs in one file", ROGUE_ANY, repeated(a, one, one.len ? 300 : 0)};
}

static struct rogue many_heads(const struct rogues *r, struct arena *a)
{
    return (struct rogue){"a clip 50 times", ROGUE_ANY, repeated(a, rogue_sample(r, "mp4 mpeg4"), 50)};
}

static struct rogue many_elements(const struct rogues *r, struct arena *a)
{
    static const char void_element[] = "\354\200";

    (void)r;
    return (struct rogue){
        "a million empty elements", ROGUE_NOTHING,
        craft_join(
            a,
            bytes_of(
                "\032\105\337\243\213\102\202\210matroska\030\123\200\147\001\377\377\377\377\377\377\377",
                28),
            repeated(a, bytes_of(void_element, 2), 1 << 20))};
}

static struct rogue many_chunks(const struct rogues *r, struct arena *a)
{
    (void)r;
    return (struct rogue){"a million empty chunks", ROGUE_NOTHING,
                          craft_join(a, bytes_of("RIFF\377\377\377\177AVI ", 12),
                                     repeated(a, bytes_of("JUNK\0\0\0\0", 8), 1 << 20))};
}

static struct rogue many_programs(const struct rogues *r, struct arena *a)
{
    uint8_t *all = craft_room(a, 188 * 8000);

    (void)r;
    for (size_t i = 0; i < 8000; i++) { /* each packet has a number of its own */
        uint8_t *p = all + 188 * i;
        p[0] = 0x47;
        p[1] = (uint8_t)(0x40 | (i >> 8 & 0x1f));
        p[2] = (uint8_t)i;
        p[3] = 0x10;
        memcpy(p + 4, "\0\0\1\340\0\0\200\0\0", 9);
    }
    return (struct rogue){"8,000 streams in a transport stream", ROGUE_ANY, bytes_of(all, 188 * 8000)};
}

static struct rogue (*const crowds[])(const struct rogues *r, struct arena *a) = {
    tracks_32,    tracks_1000,   tracks_10000,  gab2_subtitles,   compressed_index, gzip_bomb,
    png_bomb_rgb, png_bomb_deep, png_bomb_film, png_bomb_largest, gif_bomb,         many_stills,
    many_heads,   many_elements, many_chunks,   many_programs,
};

static size_t crowds_count(const struct rogues *r)
{
    return rogue_sample(r, "mp4 mpeg4").len ? COUNT_OF(crowds) : 0;
}

static struct rogue crowds_make(const struct rogues *r, struct arena *a, size_t n)
{
    return crowds[n](r, a);
}

const struct rogue_group rogue_made[] = {
    {"wrong type", true, types_count, types_make},
    {"reference", true, references_count, references_make},
    {"nest", true, nests_count, nests_make},
    {"crowd", true, crowds_count, crowds_make},
    {0},
};
