/* CPU time from a JPEG in memory to the tags of it, in turns with its floor: what libjpeg-turbo needs for the
 * scaled picture, and ONNX Runtime for one run of the same model, and nothing between them (no resampling to
 * the model's input, not even the picture in it; its values do not change the time of a run).
 *
 *   tags CARD WEIGHTS RUNTIME JPEG ROUNDS
 *
 * Prints "tags=MS floor=MS decode=MS run=MS ratio=R": medians over ROUNDS, the ratio of each round's pair. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jpeglib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "infer/tags.h"
#include "media/still.h"

enum { MAX_ROUNDS = 1000, MAX_BYTES = 64 << 20, SHRINK = 4 };

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "tags: %s\n", what);
    exit(1);
}

static struct bytes read_file(struct arena *a, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t n = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    uint8_t *data = n > 0 && n < MAX_BYTES ? arena_alloc(a, (size_t)n) : NULL;

    if (!data || pread(fd, data, (size_t)n, 0) != n)
        give_up("cannot read the JPEG");
    close(fd);
    return bytes_of(data, (size_t)n);
}

static void decode_bare(struct arena *a, struct bytes file)
{
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    uint8_t *rows;

    c.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&c);
    jpeg_mem_src(&c, file.data, file.len);
    jpeg_read_header(&c, TRUE);
    c.scale_num = 1;
    c.scale_denom = SHRINK;
    c.out_color_space = JCS_EXT_BGR;
    jpeg_start_decompress(&c);
    rows = arena_alloc(a, (size_t)c.output_width * c.output_height * 3);
    while (c.output_scanline < c.output_height) {
        JSAMPROW row = rows + (size_t)c.output_scanline * c.output_width * 3;
        jpeg_read_scanlines(&c, &row, 1);
    }
    jpeg_finish_decompress(&c);
    jpeg_destroy_decompress(&c);
}

static double ms_since(int64_t begin)
{
    return (double)(clock_cpu_us() - begin) / 1e3;
}

static void judge(struct tagger *t, struct bytes file, int shortest)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct still_opts o = still_defaults();
    struct err err;
    struct still s;
    struct tag *tags;
    size_t n;

    o.shortest = shortest;
    if (still_read(a, file, &o, &s, &err) < 0 || tags_judge(t, a, &s.picture, 0, &tags, &n, &err) < 0)
        give_up(err.text);
    tags_above(tags, n, 0);
}

static int by_value(const void *x, const void *y)
{
    const double *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

int main(int argc, char **argv)
{
    static double ours[MAX_ROUNDS], decode[MAX_ROUNDS], run[MAX_ROUNDS], bare[MAX_ROUNDS], ratio[MAX_ROUNDS];
    struct arena *a = arena_new();
    int rounds = argc == 6 ? atoi(argv[5]) : 0;
    struct model *model = NULL;
    struct runtime *rt = NULL;
    struct err err = {0};
    struct card card;
    struct tagger *t;
    struct bytes file;
    struct tensor out;

    if (rounds < 1 || rounds > MAX_ROUNDS)
        give_up("usage: tags CARD WEIGHTS RUNTIME JPEG ROUNDS");
    file = read_file(a, argv[4]);
    if (card_load(a, argv[1], &card, &err) < 0 || runtime_open(&rt, argv[3], &err) < 0)
        give_up(err.text);
    card.file = argv[2];
    if (model_load(&model, rt, &card, (struct bytes){0}, &err) < 0)
        give_up(err.text);
    t = tagger_new(a, model);
    judge(t, file, card.input.width);
    for (int i = 0; i < rounds; i++) {
        CLEANUP(arena_freep) struct arena *scratch = arena_new();
        int64_t begin = clock_cpu_us();

        judge(t, file, card.input.width);
        ours[i] = ms_since(begin);
        begin = clock_cpu_us();
        decode_bare(scratch, file);
        decode[i] = ms_since(begin);
        begin = clock_cpu_us();
        model_run(model, 0, &out, &err);
        run[i] = ms_since(begin);
        bare[i] = decode[i] + run[i];
        ratio[i] = ours[i] / bare[i];
    }
    printf("tags=%.2f floor=%.2f decode=%.2f run=%.2f ratio=%.3f\n", median(ours, rounds),
           median(bare, rounds), median(decode, rounds), median(run, rounds), median(ratio, rounds));
    model_freep(&model);
    runtime_freep(&rt);
    arena_free(a);
    return 0;
}
