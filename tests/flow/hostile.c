/* Hostile files through a running server, synchronous and asynchronous: each ends with a documented error
 * code, never with 5xx, never with "safe", never stuck; a good clip afterwards is judged as before; the front
 * does not grow. Every file is made here. */
#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "craft.h"
#include "harness.h"
#include "test.h"

enum {
    ANSWER_MS = 30000, /* for one file, on a machine that is busy with other tests */
    FRONT_GROWTH_KB = 8 << 10,
    MAX_MADE = 16 << 20,
};

/* error_code of the wire (docs/api-alarm.md), as a set. */
#define CODE(n)   (1u << (n))
#define NOT_MEDIA CODE(1)
#define NO_VIDEO  CODE(2)
#define TOO_LARGE CODE(5)
#define JUDGED    CODE(31) /* good frames before the damage may be judged, but then the clip is not safe */
#define REFUSED   0u       /* 412 with the upload */

struct lair {
    struct arena *a;
    char *base;
    const char *key;
    struct served s;
    struct bytes person, empty; /* good clips: one with somebody, one without */
    int trap, trap_port;        /* a port that nobody may ever knock at */
};

/* ---- makers ---- */

static struct bytes nothing(struct lair *l)
{
    return craft_text(l->a, "");
}

static struct bytes plain_text(struct lair *l)
{
    return craft_text(l->a, "This is not a video. Nobody was here.\n");
}

/* One second of silence: 8 kHz, 16 bits. */
static struct bytes sound_only(struct lair *l)
{
    static const uint8_t head[] =
        "RIFF\244\076\0\0WAVEfmt \020\0\0\0\001\0\001\0\100\037\0\0\200\076\0\0\002\0\020\0data\200\076\0\0";
    struct bytes silence = bytes_of(craft_room(l->a, 16000), 16000);

    return craft_join(l->a, bytes_of(head, sizeof head - 1), silence);
}

static struct bytes cut_in_head(struct lair *l)
{
    return bytes_of(l->person.data, 3000);
}

static struct bytes cut_in_half(struct lair *l)
{
    return bytes_of(l->person.data, l->person.len / 2);
}

static struct bytes cut_after_index(struct lair *l)
{
    struct bytes whole = craft_index_first(l->a, l->person);

    return bytes_of(whole.data, whole.len / 2);
}

/* Nobody is there in what is left. Somebody may have been in what is missing. */
static struct bytes empty_cut_after_index(struct lair *l)
{
    struct bytes whole = craft_index_first(l->a, l->empty);

    return bytes_of(whole.data, whole.len * 2 / 3);
}

static struct bytes flipped_bits(struct lair *l)
{
    uint8_t *copy = craft_copy(l->a, l->empty), *mdat = craft_box(copy, l->empty.len, "mdat");

    for (uint32_t i = 0, n = craft_get32(mdat), x = 1; i < 200; i++) {
        x = x * 1664525 + 1013904223;
        mdat[8 + x % (n - 8)] ^= (uint8_t)(1 << (x >> 28 & 7));
    }
    return bytes_of(copy, l->empty.len);
}

/* All sample tables say that there is nothing. */
static struct bytes no_frames(struct lair *l)
{
    static const char *const tables[] = {"stts", "stsc", "stco", "stss"};
    uint8_t *copy = craft_copy(l->a, l->person);

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (memmem(copy, l->person.len, tables[i], 4))
            craft_put32(craft_box(copy, l->person.len, tables[i]) + 12, 0);
    craft_put32(craft_box(copy, l->person.len, "stsz") + 16, 0);
    return bytes_of(copy, l->person.len);
}

static struct bytes billion_frames(struct lair *l)
{
    uint8_t *copy = craft_copy(l->a, l->person), *stsz = craft_box(copy, l->person.len, "stsz");

    craft_put32(craft_box(copy, l->person.len, "stts") + 16, 1000000000);
    craft_put32(stsz + 12, 1); /* all samples are of one byte, so that no table is needed */
    craft_put32(stsz + 16, 1000000000);
    return bytes_of(copy, l->person.len);
}

/* Durations of movie, track and media: 136 years. */
static struct bytes endless(struct lair *l)
{
    uint8_t *copy = craft_copy(l->a, l->person), *mdhd = craft_box(copy, l->person.len, "mdhd"),
            *mvhd = craft_box(copy, l->person.len, "mvhd");

    craft_put32(mvhd + 20, 1);
    craft_put32(mvhd + 24, 0xfffffff0);
    craft_put32(mdhd + 20, 1);
    craft_put32(mdhd + 24, 0xfffffff0);
    craft_put32(craft_box(copy, l->person.len, "stts") + 20, 0x01000000); /* every frame lasts half a year */
    return bytes_of(copy, l->person.len);
}

/* A frame a second of a size that no one sees, for hours. No header promises anything. */
static struct bytes endless_frames(struct lair *l)
{
    enum { FRAMES = 8000, SIDE = 16, FRAME = 6 + SIDE * SIDE * 3 / 2 };
    static const char head[] = "YUV4MPEG2 W16 H16 F1:1 Ip A1:1 C420jpeg\n";
    uint8_t *all = craft_room(l->a, sizeof head + (size_t)FRAMES * FRAME), *at = all;

    memcpy(at, head, sizeof head - 1);
    at += sizeof head - 1;
    for (int i = 0; i < FRAMES; i++, at += FRAME)
        memcpy(at, "FRAME\n", 6);
    return bytes_of(all, (size_t)(at - all));
}

/* Two frames which say "for ever". It must end all the same; what it shows is one black pixel. */
static struct bytes looping_gif(struct lair *l)
{
    static const uint8_t gif[] = "GIF89a\001\0\001\0\200\0\0\0\0\0\377\377\377"
                                 "!\377\013NETSCAPE2.0\003\001\0\0\0"
                                 "!\371\004\0\012\0\0\0,\0\0\0\0\001\0\001\0\0\002\002D\001\0"
                                 "!\371\004\0\012\0\0\0,\0\0\0\0\001\0\001\0\0\002\002D\001\0;";

    return bytes_of(craft_copy(l->a, bytes_of(gif, sizeof gif - 1)), sizeof gif - 1);
}

static struct bytes huge_mp4(struct lair *l)
{
    uint8_t *copy = craft_copy(l->a, l->person), *stsd = craft_box(copy, l->person.len, "stsd"),
            *tkhd = craft_box(copy, l->person.len, "tkhd");

    craft_put32(stsd + 16 + 32, 0xffffffff); /* width and height, 65,535 each */
    craft_put32(tkhd + 84, 0xffff0000);
    craft_put32(tkhd + 88, 0xffff0000);
    return bytes_of(copy, l->person.len);
}

static struct bytes huge_gif(struct lair *l)
{
    uint8_t *gif = craft_copy(l->a, looping_gif(l));

    memset(gif + 6, 0xff, 4);
    return bytes_of(gif, looping_gif(l).len);
}

static struct bytes huge_png(struct lair *l)
{
    static const uint8_t start[] = "\211PNG\r\n\032\n\0\0\0\015IHDR\0\0\377\377\0\0\377\377\010\002\0\0\0";
    uint8_t *png = craft_room(l->a, 64);

    memcpy(png, start, sizeof start - 1);
    craft_put32(png + 29, hash_crc32(bytes_of(png + 12, 17)));
    memcpy(png + 33, "\0\0\0\0IDAT", 8);
    craft_put32(png + 41, hash_crc32(bytes_of("IDAT", 4)));
    return bytes_of(png, 45);
}

static struct bytes gzip_bomb(struct lair *l)
{
    static const uint8_t head[] = "\037\213\010\0\0\0\0\0\0\003";

    return craft_join(l->a, bytes_of(head, sizeof head - 1), craft_deflated_zeros(l->a, 1 << 20));
}

static struct bytes zip_bomb(struct lair *l)
{
    static const uint8_t head[] =
        "PK\003\004\024\0\0\0\010\0\0\0\0\0\0\0\0\0\0\0\020\0\0\0\0\012\012\0\0\0clip00.mp4";

    return craft_join(l->a, bytes_of(head, sizeof head - 1), craft_deflated_zeros(l->a, 1 << 20));
}

/* A QuickTime index may be compressed: this one says 2 GB. */
static struct bytes compressed_index(struct lair *l)
{
    static const uint8_t ftyp[] = "qt  \0\0\0\0qt  ", zlib[] = "\177\377\377\377\170\234";
    struct bytes bomb =
        craft_join(l->a, bytes_of(zlib, sizeof zlib - 1), craft_deflated_zeros(l->a, 1 << 20));
    struct bytes how = craft_boxed(l->a, "dcom", bytes_of("zlib", 4)), what = craft_boxed(l->a, "cmvd", bomb);
    struct bytes moov = craft_boxed(l->a, "moov", craft_boxed(l->a, "cmov", craft_join(l->a, how, what)));

    return craft_join(l->a, craft_boxed(l->a, "ftyp", bytes_of(ftyp, sizeof ftyp - 1)), moov);
}

static struct bytes deep_boxes(struct lair *l)
{
    enum { DEPTH = 100000 };
    uint8_t *all = craft_room(l->a, (size_t)DEPTH * 8);

    for (uint32_t i = 0; i < DEPTH; i++) {
        craft_put32(all + 8 * i, (DEPTH - i) * 8);
        memcpy(all + 8 * i + 4, i ? "trak" : "moov", 4);
    }
    return bytes_of(all, (size_t)DEPTH * 8);
}

static struct bytes random_bytes(struct lair *l)
{
    uint8_t *all = craft_room(l->a, 300000);

    for (uint32_t i = 0, x = 7; i < 300000; i++) {
        x = x * 1664525 + 1013904223;
        all[i] = (uint8_t)(x >> 24);
    }
    return bytes_of(all, 300000);
}

static struct bytes random_after_ftyp(struct lair *l)
{
    return craft_join(l->a, bytes_of(l->person.data, 32), random_bytes(l));
}

/* An "alis" data reference (QuickTime file format): the media is in the file of that name. */
static struct bytes alias_of(struct arena *a, const char *path)
{
    enum { VOLUME = 10, FILE_NAME = VOLUME + 28 + 12, RECORD = FILE_NAME + 64 + 16 + 4 + 16 };
    size_t len = strlen(path), even = len + (len & 1);
    uint8_t *alias = craft_room(a, 12 + RECORD + 4 + even + 4), *record = alias + 12;

    memcpy(alias + 4, "alis", 4);
    record[VOLUME] = 1; /* lengths of names */
    record[VOLUME + 1] = 'x';
    record[FILE_NAME] = 1;
    record[FILE_NAME + 1] = 'y';
    record[RECORD + 1] = 2; /* tag: absolute path */
    record[RECORD + 2] = (uint8_t)(len >> 8);
    record[RECORD + 3] = (uint8_t)len;
    memcpy(record + RECORD + 4, path, len);
    memset(record + RECORD + 4 + even, 0xff, 2); /* tag: end */
    craft_put32(alias, (uint32_t)(12 + RECORD + 4 + even + 4));
    return bytes_of(alias, 12 + RECORD + 4 + even + 4);
}

/* The alias names a good clip on this machine: who follows it sees frames. */
static struct bytes external_track(struct lair *l)
{
    static const char *const parents[] = {"moov", "trak", "mdia", "minf", "dinf", "dref"};
    uint8_t *copy = craft_copy(l->a, l->person), *url = craft_box(copy, l->person.len, "url ");
    struct bytes alias = alias_of(l->a, arena_printf(l->a, "%s/person.mp4", getenv("ASSAY_CLIPS")));
    size_t before = (size_t)(url - copy), after = l->person.len - before - craft_get32(url);

    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        uint8_t *parent = craft_box(copy, before, parents[i]);
        craft_put32(parent, craft_get32(parent) + (uint32_t)alias.len - craft_get32(url));
    }
    return craft_join(l->a, craft_join(l->a, bytes_of(copy, before), alias),
                      bytes_of(url + craft_get32(url), after));
}

/* Texts that name other things; %d is the port of the trap. */
static struct bytes naming(struct lair *l, const char *format)
{
    char *text = arena_strdup(l->a, format), *hole = strstr(text, "%d");

    if (hole) {
        *hole = '\0';
        text = arena_printf(l->a, "%s%d%s", text, l->trap_port, hole + 2);
    }
    return craft_text(l->a, text);
}

static struct bytes hls_file(struct lair *l)
{
    return naming(l, "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n");
}

static struct bytes hls_http(struct lair *l)
{
    return naming(
        l, "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:%d/a.ts\n#EXT-X-ENDLIST\n");
}

static struct bytes hls_key(struct lair *l)
{
    return naming(l, "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"http://127.0.0.1:%d/"
                     "k\"\n#EXTINF:1,\ncrypto+file:/etc/passwd\n");
}

static struct bytes concat_script(struct lair *l)
{
    return naming(l, "ffconcat version 1.0\nfile '/etc/passwd'\nfile 'http://127.0.0.1:%d/a.mp4'\n");
}

static struct bytes concat_name(struct lair *l)
{
    return naming(l, "concat:/etc/passwd|/etc/hostname");
}

static struct bytes dash(struct lair *l)
{
    return naming(
        l,
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
        "type=\"static\"><Period><AdaptationSet "
        "mimeType=\"video/mp4\"><Representation><BaseURL>http://127.0.0.1:%d/a.mp4</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>");
}

static struct bytes sdp(struct lair *l)
{
    return naming(l, "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video %d RTP/AVP/TCP "
                     "96\na=rtpmap:96 H264/90000\n");
}

static struct bytes rtsp(struct lair *l)
{
    return naming(l, "RTSPtext\nrtsp://127.0.0.1:%d/x\n");
}

static struct bytes asf_reference(struct lair *l)
{
    return naming(l, "[Reference]\nRef1=http://127.0.0.1:%d/x?MSWMExt=.asf\n");
}

static const struct hostile {
    const char *what, *name;
    struct bytes (*make)(struct lair *l);
    unsigned codes;
} rows[] = {
    {"empty", "clip.mp4", nothing, REFUSED},
    {"text", "clip.mp4", plain_text, NOT_MEDIA},
    {"sound only", "clip.mp4", sound_only, NO_VIDEO},
    {"cut in the head", "clip.mp4", cut_in_head, NOT_MEDIA},
    {"cut in half, the index was behind", "clip.mp4", cut_in_half, NOT_MEDIA},
    {"cut in half, index first, somebody there", "clip.mp4", cut_after_index, JUDGED | NOT_MEDIA},
    {"cut, index first, nobody there", "clip.mp4", empty_cut_after_index, JUDGED | NOT_MEDIA},
    {"200 flipped bits", "clip.mp4", flipped_bits, JUDGED | NOT_MEDIA},
    {"no frames", "clip.mp4", no_frames, NOT_MEDIA | NO_VIDEO},
    {"a billion frames", "clip.mp4", billion_frames, NOT_MEDIA | TOO_LARGE},
    {"136 years", "clip.mp4", endless, TOO_LARGE},
    {"hours of tiny frames", "clip.y4m", endless_frames, TOO_LARGE},
    {"65,535 x 65,535 in an MP4's head", "clip.mp4", huge_mp4, TOO_LARGE},
    {"65,535 x 65,535 GIF", "clip.gif", huge_gif, TOO_LARGE},
    {"65,535 x 65,535 PNG", "clip.png", huge_png, TOO_LARGE | NOT_MEDIA},
    {"gzip bomb", "clip.mp4.gz", gzip_bomb, NOT_MEDIA},
    {"zip bomb", "clip.zip", zip_bomb, NOT_MEDIA},
    {"compressed index of 2 GB", "clip.mov", compressed_index, NOT_MEDIA | TOO_LARGE},
    {"100,000 boxes in each other", "clip.mp4", deep_boxes, NOT_MEDIA | NO_VIDEO},
    {"random bytes", "clip.mp4", random_bytes, NOT_MEDIA},
    {"random bytes behind a good start", "clip.mp4", random_after_ftyp, NOT_MEDIA | NO_VIDEO},
    {"external track", "clip.mov", external_track, NOT_MEDIA},
    {"HLS, a file", "clip.m3u8", hls_file, NOT_MEDIA},
    {"HLS, an address", "clip.m3u8", hls_http, NOT_MEDIA},
    {"HLS, a key", "clip.m3u8", hls_key, NOT_MEDIA},
    {"concat script", "clip.ffconcat", concat_script, NOT_MEDIA},
    {"concat protocol", "clip.mp4", concat_name, NOT_MEDIA},
    {"DASH", "clip.mpd", dash, NOT_MEDIA},
    {"SDP", "clip.sdp", sdp, NOT_MEDIA},
    {"RTSP redirect", "clip.mp4", rtsp, NOT_MEDIA},
    {"ASF reference", "clip.asx", asf_reference, NOT_MEDIA},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* ---- the server ---- */

static struct lair lair;

static void set_trap(struct lair *l)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    l->trap = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(l->trap, (struct sockaddr *)&at, sizeof at) < 0 || listen(l->trap, 8) < 0 ||
        getsockname(l->trap, (struct sockaddr *)&at, &len) < 0)
        abort();
    l->trap_port = ntohs(at.sin_port);
}

static void lair_open(struct lair *l)
{
    char *dir;

    l->a = arena_new();
    l->base = folder_new(l->a);
    dir = arena_printf(l->a, "%s/data", l->base);
    l->key = key_new(l->a, dir, "acme", NULL);
    l->person = clip_load(l->a, "person.mp4");
    l->empty = clip_load(l->a, "empty.mp4");
    set_trap(l);
    served_start(&l->s, l->a, dir, NULL);
}

static void check_ending(struct arena *a, struct bytes result, unsigned codes)
{
    bool before = test_ok;
    const char *classify = json_at(a, result, "status.classify"), *risk = json_at(a, result, "risk"),
               *code = json_at(a, result, "error_code");
    bool listed;

    test_ok = true;
    CHECK(risk && !text_is(risk, "safe"));
    if (code && text_is(code, "0")) {
        CHECK(codes & JUDGED);
        CHECK_STR(classify, "done");
    } else {
        CHECK_STR(classify, "error");
        CHECK_STR(risk, "");
        CHECK_STR(json_at(a, result, "labels"), "[]");
        CHECK_STR(json_at(a, result, "scores"), "{}");
        listed = code && (codes & CODE((unsigned)atoi(code)));
        CHECK(listed);
        CHECK(strlen(json_at(a, result, "error_msg")) > 10); /* a sentence */
    }
    if (!test_ok)
        printf("#   %.400s\n", (const char *)result.data);
    test_ok = test_ok && before;
}

static void send_one(struct lair *l, const struct hostile *h, bool sync)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t begun = clock_mono_us();
    struct answer answer = post_clip(a, l->s.port, sync ? "/api/classify?sync=true" : "/api/classify", l->key,
                                     h->name, h->make(l), NULL);
    char *id;

    if (h->codes == REFUSED) {
        CHECK_INT(answer.status, 412);
        CHECK_STR(json_at(a, answer.body, "success"), "false");
        return;
    }
    CHECK_INT(answer.status, 200);
    id = json_at(a, answer.body, "id");
    if (!sync && id)
        answer = result_wait(a, l->s.port, l->key, id, ANSWER_MS / 1000);
    check_ending(a, answer.body, h->codes);
    CHECK(clock_mono_us() - begun < ANSWER_MS * 1000LL);
}

static void send_all(bool sync)
{
    for (size_t i = 0; i < ROWS; i++) {
        bool before = test_ok;
        test_ok = true;
        send_one(&lair, &rows[i], sync);
        ROW("%s", rows[i].what);
        test_ok = test_ok && before;
    }
}

static char *good_scores(struct lair *l)
{
    struct answer answer =
        post_clip(l->a, l->s.port, "/api/classify?sync=true", l->key, "person.mp4", l->person, NULL);

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(l->a, answer.body, "risk"), "intrusion");
    return json_at(l->a, answer.body, "scores");
}

static const char *scores_before;
static long front_before;

static void good_clip_before(void)
{
    scores_before = good_scores(&lair);
    good_scores(&lair); /* the front has seen one of each, so that only growth counts later */
    front_before = process_memory_kb(lair.s.pid, "Private_Dirty");
    CHECK(front_before > 0);
}

static void synchronous(void)
{
    send_all(true);
}

static void asynchronous(void)
{
    send_all(false);
}

/* All at once, as a batch of rubbish comes in. */
static void side_by_side(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *ids[ROWS];

    for (size_t i = 0; i < ROWS; i++) {
        struct answer answer =
            post_clip(a, lair.s.port, "/api/classify", lair.key, rows[i].name, rows[i].make(&lair), NULL);
        ids[i] = answer.status == 200 ? json_at(a, answer.body, "id") : NULL;
        CHECK(ids[i] || rows[i].codes == REFUSED);
    }
    for (size_t i = 0; i < ROWS; i++)
        if (ids[i]) {
            struct answer answer = result_wait(a, lair.s.port, lair.key, ids[i], ANSWER_MS / 1000);
            check_ending(a, answer.body, rows[i].codes);
        }
}

/* The index is in front, nothing is missing: the maker of the cut files does not break them by itself. */
static void index_first_is_a_good_clip(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct answer answer = post_clip(a, lair.s.port, "/api/classify?sync=true", lair.key, "a.mp4",
                                     craft_index_first(a, lair.person), NULL);

    CHECK_STR(json_at(a, answer.body, "scores"), scores_before);
    answer = post_clip(a, lair.s.port, "/api/classify?sync=true", lair.key, "a.mp4",
                       craft_index_first(a, lair.empty), NULL);
    CHECK_STR(json_at(a, answer.body, "risk"), "safe");
}

/* A clip that says "for ever" ends, with whatever verdict. */
static void a_loop_ends(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct answer answer =
        post_clip(a, lair.s.port, "/api/classify?sync=true", lair.key, "a.gif", looping_gif(&lair), NULL);

    CHECK_INT(answer.status, 200);
    CHECK_STR(json_at(a, answer.body, "status.classify"), "done");
    CHECK(memmem(answer.body.data, answer.body.len, "\"original.nframes\":2", 20) != NULL);
    if (!test_ok)
        printf("#   %s\n", (const char *)answer.body.data);
}

static void nobody_was_called(void)
{
    struct pollfd p = {.fd = lair.trap, .events = POLLIN};

    CHECK_INT(poll(&p, 1, 0), 0);
}

static void good_clip_after(void)
{
    long front = process_memory_kb(lair.s.pid, "Private_Dirty");

    CHECK_STR(good_scores(&lair), scores_before);
    printf("# front: private %ld kB before, %ld kB after\n", front_before, front);
    CHECK(front - front_before < FRONT_GROWTH_KB);
}

/* Whatever a folder of hostile files holds: no 5xx, no "safe", an end. */
static void shared_hostile_files(void)
{
    const char *folder = test_shared() ? arena_printf(lair.a, "%s/data/media/hostile", test_shared()) : NULL;
    DIR *d = folder ? opendir(folder) : NULL;
    struct dirent *entry;

    if (!d)
        SKIP("there is no folder data/media/hostile beside the checkout");
    while ((entry = readdir(d))) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct answer answer;
        if (entry->d_name[0] == '.')
            continue;
        answer = post_clip(a, lair.s.port, "/api/classify?sync=true", lair.key, entry->d_name,
                           file_read(a, arena_printf(a, "%s/%s", folder, entry->d_name)), NULL);
        CHECK(answer.status == 200 || answer.status == 412 || answer.status == 413);
        if (answer.status == 200)
            check_ending(a, answer.body, ~0u);
        ROW("%s", entry->d_name);
    }
    closedir(d);
}

static void server_is_well(void)
{
    pid_t keeper[4];

    CHECK_INT(process_children(lair.s.pid, keeper, 4), 1);
    CHECK_INT(served_stop(&lair.s), 0);
    close(lair.trap);
    folder_remove(lair.base);
    lair.a = arena_free(lair.a);
}

int main(void)
{
    lair_open(&lair);
    RUN(good_clip_before);
    RUN(index_first_is_a_good_clip);
    RUN(synchronous);
    RUN(asynchronous);
    RUN(side_by_side);
    RUN(a_loop_ends);
    RUN(shared_hostile_files);
    RUN(nobody_was_called);
    RUN(good_clip_after);
    RUN(server_is_well);
    return test_end();
}
