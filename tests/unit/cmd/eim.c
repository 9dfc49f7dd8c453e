/* An impulse as a program of the .eim protocol: what a session answers, and how it is served. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "cmd/eim_serve.h"
#include "test.h"

/* ---- a host that adds up ---- */

static const char *const axes[] = {"audio"};
static const char *const labels[] = {"sum", "first"};
static const int64_t from[] = {2};
static const struct impulse_dsp dsp[] = {{.id = 2, .type = "raw"}};
static const struct impulse_learn learn[] = {
    {.id = 3,
     .kind = LEARN_CLASSIFIER,
     .ndsp = 1,
     .dsp = from,
     .nlabels = 2,
     .labels = labels,
     .min_score = 0.5},
    {.id = 4, .kind = LEARN_MIXTURE, .ndsp = 1, .dsp = from, .min_score = 0.3},
};
static const struct impulse impulse = {.id = 9,
                                       .name = "adding",
                                       .input = INPUT_SERIES,
                                       .window_ms = 1000,
                                       .step_ms = 1000,
                                       .frequency = 8,
                                       .ndsp = 1,
                                       .nlearn = 2,
                                       .dsp = dsp,
                                       .learn = learn};

static int add_up(void *arg, struct arena *a, const struct eim_question *q, struct eim_result *ret,
                  struct err *err)
{
    float *scores = arena_array(a, 2, sizeof *scores);

    if (arg)
        return FAIL(err, ERR_BUSY, "no analyst is free");
    for (size_t i = 0; i < q->n; i++)
        scores[0] += q->features[i];
    scores[1] = q->features[0];
    *ret = (struct eim_result){
        .nscores = 2, .scores = scores, .has_anomaly = true, .anomaly = q->impulse->learn[1].min_score};
    return 0;
}

static struct eim_host host_of(void *arg)
{
    return (struct eim_host){.impulse = &impulse,
                             .naxes = 1,
                             .axes = axes,
                             .project = {.id = 1, .name = "sums", .owner = "me"},
                             .judge = add_up,
                             .arg = arg};
}

/* ---- sessions ---- */

static const char *answer(struct eim_session *s, struct arena *a, const char *message, bool *ret_end)
{
    struct bytes text = eim_session_answer(s, a, bytes_of(message, strlen(message)), ret_end);

    CHECK(text.len > 2 && text.data[text.len - 1] == '\0' && text.data[text.len - 2] == '\n');
    return (const char *)text.data;
}

#define EIGHT(first) "[" first ",1,1,1,1,1,1,1]"
#define SUM(sum, first, anomaly)                                                        \
    "\"success\":true,\"result\":{\"classification\":{\"sum\":" sum ",\"first\":" first \
    "},\"anomaly\":" anomaly

static void answers_in_order(void)
{
    static const struct {
        const char *message, *says;
    } rows[] = {
        {"{\"classify\":" EIGHT("1") ",\"id\":1}",
         "\"success\":false,\"error\":\"the first message must be hello"},
        {"{\"hello\":2,\"id\":2}", "{\"id\":2,\"success\":false"},
        {"{\"hello\":1,\"id\":3}", "\"input_features_count\":8,\"sensor\":1,\"frequency\":8.0"},
        {"{\"hello\":1,\"id\":4}", "{\"id\":4,\"success\":false,\"error\":\"hello was said already"},
        {"{\"classify\":" EIGHT("3") ",\"id\":5}", SUM("10.0", "3.0", "0.3")},
        {"{\"classify\":[1],\"id\":6}", "must have 8 numbers, not 1"},
        {"{\"classify\":[],\"id\":7}", "must have 8 numbers, not 0"},
        {"{\"set_threshold\":{\"id\":4,\"min_anomaly_score\":2.5},\"id\":8}", "{\"id\":8,\"success\":true}"},
        {"{\"classify\":" EIGHT("1") ",\"id\":9}", SUM("8.0", "1.0", "2.5")},
        {"{\"set_threshold\":{\"id\":3,\"min_score\":2},\"id\":10}", "from 0 to 1"},
        {"{\"set_threshold\":{\"id\":3,\"min_anomaly_score\":1},\"id\":11}", "no threshold"},
        {"{\"set_threshold\":{\"id\":5,\"min_score\":1},\"id\":12}", "block 5 has no threshold"},
        {"{\"set_threshold\":{\"id\":3},\"id\":13}", "names no threshold"},
        {"{\"dance\":1,\"id\":14}", "unknown message"},
        {"{\"classify_shm\":{\"elements\":8},\"id\":15}", "not offered"},
        {"{\"hello\":1}", "{\"success\":false,\"error\":"},
    };
    CLEANUP(eim_session_freep) struct eim_session *s = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_host host = host_of(NULL);
    bool end;

    CHECK(eim_session_new(&s, &host, NULL) == 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *text = answer(s, a, rows[i].message, &end);
        CHECK(strstr(text, rows[i].says) && !end);
        ROW("%s: %s", rows[i].message, text);
    }
    CHECK(strstr(answer(s, a, "{\"hello\":", &end), "\"success\":false") && end);
}

static void judges_slices(void)
{
    CLEANUP(eim_session_freep) struct eim_session *s = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_host host = host_of(NULL);
    const char *text = NULL;
    bool end;

    CHECK(eim_session_new(&s, &host, NULL) == 0);
    CHECK(strstr(answer(s, a, "{\"hello\":1,\"id\":1}", &end), "\"slice_size\":2"));
    CHECK(strstr(answer(s, a, "{\"classify_continuous\":[1],\"id\":2}", &end), "2 numbers, not 1"));
    for (int i = 1; i <= 6; i++) {
        text = answer(s, a, arena_printf(a, "{\"classify_continuous\":[%d,0],\"id\":%d}", i, i), &end);
        CHECK(i < 4 ? strstr(text, SUM("0.0", "0.0", "0.0")) != NULL : !strstr(text, "\"sum\":0.0"));
        ROW("slice %d: %s", i, text);
    }
    CHECK(strstr(text, SUM("18.0", "3.0", "0.3")) != NULL); /* 3 + 4 + 5 + 6 */
}

static void passes_refusals_on(void)
{
    CLEANUP(eim_session_freep) struct eim_session *s = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct eim_host host = host_of(&host);
    bool end;

    CHECK(eim_session_new(&s, &host, NULL) == 0);
    answer(s, a, "{\"hello\":1,\"id\":1}", &end);
    CHECK_STR(answer(s, a, "{\"classify\":" EIGHT("1") ",\"id\":2}", &end),
              "{\"id\":2,\"success\":false,\"error\":\"no analyst is free\"}\n");
}

/* ---- the server ---- */

struct stand {
    struct eim_host host;
    char dir[64], path[96];
    int stop;
    int result;
    struct err err;
    pthread_t thread;
    pthread_barrier_t up;
};

static void is_up(void *arg)
{
    pthread_barrier_wait(arg);
}

static void *stand_run(void *arg)
{
    struct stand *s = arg;

    s->result = eim_serve(&s->host, s->path, s->stop, is_up, &s->up, &s->err);
    return NULL;
}

static void stand_open(struct stand *s)
{
    *s = (struct stand){.host = host_of(NULL), .stop = eventfd(0, EFD_CLOEXEC)};
    snprintf(s->dir, sizeof s->dir, "/tmp/eim-serve-XXXXXX");
    CHECK(mkdtemp(s->dir) != NULL);
    snprintf(s->path, sizeof s->path, "%s/sock", s->dir);
    pthread_barrier_init(&s->up, NULL, 2);
    pthread_create(&s->thread, NULL, stand_run, s);
    pthread_barrier_wait(&s->up);
}

static void stand_close(struct stand *s)
{
    CHECK(eventfd_write(s->stop, 1) == 0);
    pthread_join(s->thread, NULL);
    pthread_barrier_destroy(&s->up);
    CHECK_INT(s->result, 0);
    CHECK(access(s->path, F_OK) < 0);
    close(s->stop);
    CHECK(rmdir(s->dir) == 0);
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

static void say(int fd, const char *text)
{
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Up to the next NUL; "" at the end. */
static const char *hear(struct arena *a, int fd)
{
    CLEANUP(buf_clear) struct buf text = BUF(1 << 20);
    char c;

    while (recv(fd, &c, 1, 0) == 1 && c)
        buf_add(&text, &c, 1);
    return arena_strdup(a, text.data ? text.data : "");
}

static void serves_several(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stand s;
    struct stat st;
    int fds[EIM_CONNECTIONS], extra;

    stand_open(&s);
    CHECK(lstat(s.path, &st) == 0 && (st.st_mode & 07777) == 0600);
    for (int i = 0; i < EIM_CONNECTIONS; i++) {
        fds[i] = dial(s.path);
        say(fds[i], "{\"hello\":1,\"id\":1}{\"classify\":" EIGHT("2") ",\"id\":2}\n{\"hello\":");
        CHECK(strstr(hear(a, fds[i]), "\"labels\":[\"sum\",\"first\"]"));
        CHECK(strstr(hear(a, fds[i]), SUM("9.0", "2.0", "0.3")));
    }
    extra = dial(s.path);
    CHECK(strstr(hear(a, extra), "no room for more"));
    CHECK_STR(hear(a, extra), "");
    close(extra);
    say(fds[0], "1,\"id\":3}");
    CHECK(strstr(hear(a, fds[0]), "hello was said already"));
    say(fds[1], "}");
    CHECK(strstr(hear(a, fds[1]), "\"success\":false"));
    CHECK_STR(hear(a, fds[1]), "");
    close(fds[1]);
    fds[1] = dial(s.path); /* the place is free again */
    say(fds[1], "{\"hello\":1,\"id\":1}");
    CHECK(strstr(hear(a, fds[1]), "\"id\":1,\"success\":true"));
    for (int i = 0; i < EIM_CONNECTIONS; i++)
        close(fds[i]);
    stand_close(&s);
}

/* More answers than the socket holds, to a client that does not read: it waits, the others do not. */
static void a_slow_client_is_alone(void)
{
    enum { MANY = 3000 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_clear) struct buf all = BUF(1 << 20);
    struct stand s;
    int slow, other, heard = 0;

    stand_open(&s);
    buf_str(&all, "{\"hello\":1,\"id\":1}");
    for (int i = 0; i < MANY; i++)
        buf_printf(&all, "{\"hello\":1,\"id\":%d}", i);
    slow = dial(s.path);
    say(slow, all.data);
    other = dial(s.path);
    say(other, "{\"hello\":1,\"id\":1}");
    CHECK(strstr(hear(a, other), "\"success\":true"));
    while (heard <= MANY && *hear(a, slow))
        heard++;
    CHECK_INT(heard, MANY + 1);
    close(slow);
    close(other);
    stand_close(&s);
}

static void leaves_other_things_alone(void)
{
    struct stand s;
    struct eim_host host = host_of(NULL);
    struct err err = {0};
    char name[200];

    stand_open(&s);
    CHECK(eim_serve(&host, s.path, s.stop, NULL, NULL, &err) < 0 && err.kind == ERR_CONFLICT);
    CHECK(strstr(err.text, "another program"));
    CHECK(eim_serve(&host, "/etc/passwd", s.stop, NULL, NULL, &err) < 0 && err.kind == ERR_CONFLICT);
    CHECK(access("/etc/passwd", F_OK) == 0);
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    CHECK(eim_serve(&host, name, s.stop, NULL, NULL, &err) < 0 && err.kind == ERR_INPUT);
    host.naxes = 0;
    CHECK(eim_serve(&host, "y", s.stop, NULL, NULL, &err) < 0 && err.kind == ERR_INPUT);
    stand_close(&s);
}

static void replaces_a_dead_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char dir[] = "/tmp/eim-dead-XXXXXX";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), stop = eventfd(1, EFD_CLOEXEC);
    struct eim_host host = host_of(NULL);
    struct err err = {0};

    CHECK(mkdtemp(dir) != NULL);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", dir);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    close(fd);
    CHECK(eim_serve(&host, address.sun_path, stop, NULL, NULL, &err) == 0);
    CHECK_STR(err.text, "");
    CHECK(access(address.sun_path, F_OK) < 0);
    close(stop);
    CHECK(rmdir(dir) == 0);
}

static void ends_on_signals(void)
{
    char dir[] = "/tmp/eim-signal-XXXXXX", path[64];
    struct eim_host host = host_of(NULL);
    struct err err = {0};
    int fd = -1;

    CHECK(mkdtemp(dir) != NULL && eim_stop_signals(&fd, &err) == 0);
    snprintf(path, sizeof path, "%s/sock", dir);
    raise(SIGTERM);
    CHECK(eim_serve(&host, path, fd, NULL, NULL, &err) == 0);
    CHECK(access(path, F_OK) < 0 && rmdir(dir) == 0);
    close(fd);
}

/* The vendor's runner for Linux (tests/client/runner.js) takes a socket for a program. */
static void the_published_runner_uses_it(void)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *root = getenv("ASSAY_ROOT");
    char line[512];
    struct stand s;
    FILE *out;

    root = root ? root : ".";
    if (access(arena_printf(a, "%s/.deps/client/installed", root), R_OK) != 0)
        SKIP("the clients are not installed (tools/deps --tests)");
    stand_open(&s);
    setenv("NODE_PATH", arena_printf(a, "%s/.deps/client/node_modules", root), 1);
    out = popen(arena_printf(a, "timeout 60 node '%s/tests/client/runner.js' '%s' 2>&1", root, s.path), "r");
    while (out && fgets(line, sizeof line, out))
        printf("# %s%s", line, strchr(line, '\n') ? "" : "\n");
    CHECK(out && pclose(out) == 0);
    stand_close(&s);
}

int main(void)
{
    RUN(answers_in_order);
    RUN(judges_slices);
    RUN(passes_refusals_on);
    RUN(serves_several);
    RUN(a_slow_client_is_alone);
    RUN(leaves_other_things_alone);
    RUN(replaces_a_dead_socket);
    RUN(the_published_runner_uses_it);
    RUN(ends_on_signals);
    return test_end();
}
