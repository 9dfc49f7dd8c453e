/* The floor under the CPU time of one alarm clip: what libav and ONNX Runtime cost when nothing is around
 * them. One process, one thread: open, decode all frames, scale the judged ones to the size at which they are
 * judged, run the model once for each. No motion analysis, no reading of boxes, not even the picture into the
 * tensor (its values do not change the time of a run), no report, no sandbox, no HTTP, no disk.
 *
 *   floor CLIP MODEL RUNTIME WIDTHxHEIGHT FRAMES ROUNDS
 *
 * FRAMES are the indices of the judged frames, "4,12,20". Prints the CPU milliseconds of one clip, mean over
 * ROUNDS. Session options as in src/infer/onnx.c. */
#include <dlfcn.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libswscale/swscale.h>
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { MAX_FRAMES = 1000, MAX_FLOATS = 16 << 20, ALIGN = 64 };

struct order {
    const char *clip, *model, *runtime;
    int width, height, rounds;
    size_t n;
    int64_t frames[MAX_FRAMES]; /* ascending */
};

/* A session and tensors over memory of ours. */
struct net {
    const OrtApi *api;
    OrtSession *session;
    OrtValue *input, *output;
    char *input_name, *output_name;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

/* ---- the model ---- */

static void must(const OrtApi *api, OrtStatus *status)
{
    if (status)
        give_up(api->GetErrorMessage(status));
}

static const OrtApi *open_runtime(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL),
         *symbol = library ? dlsym(library, "OrtGetApiBase") : NULL;
    const OrtApiBase *(*base)(void);

    if (!symbol)
        give_up("cannot open ONNX Runtime");
    memcpy(&base, &symbol, sizeof base);
    return base()->GetApi(ORT_API_VERSION);
}

static OrtValue *tensor(const OrtApi *api, const OrtTypeInfo *type)
{
    const OrtTensorTypeAndShapeInfo *shape;
    OrtMemoryInfo *memory;
    OrtValue *value = NULL;
    int64_t dims[8];
    size_t n, total = 1;
    float *data;

    must(api, api->CastTypeInfoToTensorInfo(type, &shape));
    must(api, api->GetDimensionsCount(shape, &n));
    if (n > 8)
        give_up("the model has a tensor of many dimensions");
    must(api, api->GetDimensions(shape, dims, n));
    for (size_t i = 0; i < n; i++) {
        dims[i] = dims[i] < 1 ? 1 : dims[i];
        total *= (size_t)dims[i];
    }
    data = total <= MAX_FLOATS ? malloc(total * sizeof *data) : NULL;
    if (!data)
        give_up("the model has a very large tensor");
    for (size_t i = 0; i < total; i++)
        data[i] = (float)(i * 7919 % 256);
    must(api, api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    must(api, api->CreateTensorWithDataAsOrtValue(memory, data, total * sizeof *data, dims, n,
                                                  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
    return value;
}

static struct net net_open(const struct order *o)
{
    struct net net = {.api = open_runtime(o->runtime)};
    const OrtApi *api = net.api;
    OrtAllocator *allocator;
    OrtSessionOptions *options;
    OrtTypeInfo *type;
    OrtEnv *env;

    if (!api)
        give_up("ONNX Runtime is too old");
    must(api, api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "floor", &env));
    must(api, api->CreateSessionOptions(&options));
    must(api, api->SetIntraOpNumThreads(options, 1));
    must(api, api->SetInterOpNumThreads(options, 1));
    must(api, api->SetSessionExecutionMode(options, ORT_SEQUENTIAL));
    must(api, api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    must(api, api->EnableCpuMemArena(options));
    must(api, api->CreateSession(env, o->model, options, &net.session));
    must(api, api->GetAllocatorWithDefaultOptions(&allocator));
    must(api, api->SessionGetInputName(net.session, 0, allocator, &net.input_name));
    must(api, api->SessionGetOutputName(net.session, 0, allocator, &net.output_name));
    must(api, api->SessionGetInputTypeInfo(net.session, 0, &type));
    net.input = tensor(api, type);
    must(api, api->SessionGetOutputTypeInfo(net.session, 0, &type));
    net.output = tensor(api, type);
    return net;
}

static void net_run(struct net *net)
{
    must(net->api, net->api->Run(net->session, NULL, (const char *const[]){net->input_name},
                                 (const OrtValue *const[]){net->input}, 1,
                                 (const char *const[]){net->output_name}, 1, &net->output));
}

/* ---- the clip ---- */

struct clip {
    const struct order *order;
    struct net *net;
    struct SwsContext *sws; /* kept from round to round */
    uint8_t *pixels;
    int stride;
    int64_t index; /* of the next frame */
    size_t judged;
};

static void take_frame(struct clip *c, const AVFrame *f)
{
    const struct order *o = c->order;

    if (c->judged == o->n || c->index++ != o->frames[c->judged])
        return;
    c->judged++;
    c->sws = sws_getCachedContext(c->sws, f->width, f->height, f->format, o->width, o->height,
                                  AV_PIX_FMT_BGR24, SWS_BILINEAR, NULL, NULL, NULL);
    if (!c->sws)
        give_up("cannot scale");
    sws_scale(c->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height,
              (uint8_t *const[4]){c->pixels}, (const int[4]){c->stride});
    net_run(c->net);
}

static AVCodecContext *open_decoder(const AVStream *s)
{
    const AVCodec *codec = avcodec_find_decoder(s->codecpar->codec_id);
    AVCodecContext *decoder = avcodec_alloc_context3(codec);

    if (!codec || !decoder || avcodec_parameters_to_context(decoder, s->codecpar) < 0)
        give_up("no decoder");
    decoder->thread_count = 1;
    if (avcodec_open2(decoder, codec, NULL) < 0)
        give_up("cannot open the decoder");
    return decoder;
}

/* packet NULL: the end. */
static void decode(struct clip *c, AVCodecContext *decoder, const AVPacket *packet, AVFrame *frame)
{
    if (avcodec_send_packet(decoder, packet) < 0)
        give_up("cannot decode");
    while (avcodec_receive_frame(decoder, frame) >= 0)
        take_frame(c, frame);
}

static void one_clip(struct clip *c)
{
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    AVCodecContext *decoder;
    int stream;

    c->index = 0;
    c->judged = 0;
    if (!packet || !frame || avformat_open_input(&format, c->order->clip, NULL, NULL) < 0 ||
        avformat_find_stream_info(format, NULL) < 0)
        give_up("cannot open the clip");
    stream = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (stream < 0)
        give_up("the clip has no video");
    decoder = open_decoder(format->streams[stream]);
    for (; av_read_frame(format, packet) >= 0; av_packet_unref(packet))
        if (packet->stream_index == stream)
            decode(c, decoder, packet, frame);
    decode(c, decoder, NULL, frame);
    if (c->judged != c->order->n)
        give_up("the clip has fewer frames than were to be judged");
    avcodec_free_context(&decoder);
    av_frame_free(&frame);
    av_packet_free(&packet);
    avformat_close_input(&format);
}

/* ---- the program ---- */

static int parse(int argc, char **argv, struct order *o)
{
    char *next;

    if (argc != 7 || sscanf(argv[4], "%dx%d", &o->width, &o->height) != 2)
        return -1;
    o->clip = argv[1];
    o->model = argv[2];
    o->runtime = argv[3];
    for (next = argv[5]; *next && o->n < MAX_FRAMES; next += *next == ',')
        o->frames[o->n++] = strtoll(next, &next, 10);
    o->rounds = atoi(argv[6]);
    return o->n > 0 && o->rounds > 0 && o->width > 0 && o->height > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct order order;
    struct clip c = {.order = &order};
    struct net net;
    int64_t begin;

    if (parse(argc, argv, &order) < 0) {
        fprintf(stderr, "usage: floor CLIP MODEL RUNTIME WIDTHxHEIGHT FRAMES ROUNDS\n");
        return 2;
    }
    av_log_set_level(AV_LOG_QUIET);
    net = net_open(&order);
    c.net = &net;
    c.stride = (order.width * 3 + ALIGN - 1) / ALIGN * ALIGN;
    c.pixels = aligned_alloc(ALIGN, (size_t)c.stride * (size_t)(order.height + 1) / ALIGN * ALIGN + ALIGN);
    if (!c.pixels)
        give_up("out of memory");
    one_clip(&c); /* warm */
    begin = clock_cpu_us();
    for (int i = 0; i < order.rounds; i++)
        one_clip(&c);
    printf("cpu_ms=%.3f\n", (double)(clock_cpu_us() - begin) / 1000 / order.rounds);
    return 0;
}
