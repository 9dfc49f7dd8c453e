#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "base/clock.h"
#include "base/text.h"
#include "c2pa/trust.h"
#include "infer/graph_shelf.h"
#include "infer/variant.h"
#include "lab/lab_int.h"
#include "media/video.h"
#include "report/json.h"

/* ---- c2pa ---- */

void c2pa_prepare(void)
{
}

int c2pa_trust_open(const struct c2pa_trust_files *files UNUSED, struct c2pa_trust **ret,
                    struct err *err UNUSED)
{
    *ret = NULL;
    return 0;
}

void c2pa_trust_freep(struct c2pa_trust **t UNUSED)
{
}

/* ---- infer ---- */

struct graph_shelf *graph_shelf_new(void)
{
    return NULL; /* no pipeline here asks for it */
}

size_t embedded_count(void)
{
    return 1;
}

struct embedded embedded_get(size_t i UNUSED)
{
    return (struct embedded){.name = FAKE_MODEL};
}

const struct card *model_card(const struct model *m UNUSED)
{
    return NULL;
}

static const struct card fake_card = {
    .name = FAKE_MODEL,
    .version = "1",
    .task = "detect",
    .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};

int embedded_read(struct arena *a UNUSED, size_t i UNUSED, struct card *ret_card, struct err *err UNUSED)
{
    *ret_card = fake_card;
    return 0;
}

int card_verify(const struct card *card UNUSED, struct err *err UNUSED)
{
    return 0;
}

struct model_ref card_ref(const struct card *card)
{
    return (struct model_ref){card->name, card->version, card->task, card->sha256, card->text_sha256};
}

const struct card_variant *variant_choose(const struct card *card UNUSED, unsigned features UNUSED)
{
    return NULL;
}

struct card variant_card(const struct card *card, const struct card_variant *v UNUSED)
{
    return *card;
}

struct bytes variant_embedded(const struct card_variant *v UNUSED)
{
    return (struct bytes){0};
}

int cards_list(struct arena *a UNUSED, const char *dir, struct card_entry **ret_entries, size_t *ret_n,
               struct err *err)
{
    *ret_entries = NULL;
    *ret_n = 0;
    return text_is(dir, FAKE_BAD_DIR) ? FAIL(err, ERR_MODEL, "no directory %s", dir) : 0;
}

int runtime_open(struct runtime **ret_runtime, const char *path UNUSED, struct err *err UNUSED)
{
    *ret_runtime = NULL;
    return 0;
}

void runtime_freep(struct runtime **rt UNUSED)
{
}

const char *runtime_version(const struct runtime *rt UNUSED)
{
    return "0";
}

const char *video_decoder_version(void)
{
    return "no decoder";
}

int model_load(struct model **ret_model, struct runtime *rt UNUSED, const struct card *card UNUSED,
               struct bytes embedded UNUSED, struct err *err UNUSED)
{
    *ret_model = NULL;
    return 0;
}

void model_freep(struct model **m UNUSED)
{
}

int ocr_open(struct ocr **ret_ocr, const char *languages UNUSED, const char *data_dir UNUSED,
             struct err *err UNUSED)
{
    *ret_ocr = NULL;
    return 0;
}

void ocr_freep(struct ocr **o UNUSED)
{
}

const char *ocr_version(const struct ocr *o UNUSED)
{
    return "";
}

const char *ocr_sha256(const struct ocr *o UNUSED)
{
    return "";
}

int languages_open(struct languages **ret_languages, struct err *err UNUSED)
{
    *ret_languages = NULL;
    return 0;
}

void languages_freep(struct languages **l UNUSED)
{
}

/* ---- analysis ---- */

struct job {
    const struct toolbox *tools;
    const struct job_spec *spec;
    struct subject_fds fds;
    struct report *report;
};

static void rest(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

/* Reads the subject, writes the artefact, scores as a real pipeline does. */
static void judge(const struct job *j)
{
    char text[16] = "";
    ssize_t n = pread(j->fds.media, text, sizeof text - 1, 0);

    report_add_score(j->report, "intrusion", n > 0 && text[0] == '1' ? 0.9 : 0.1, FAKE_MODEL);
    if (j->fds.artefact >= 0 && pwrite(j->fds.artefact, "drawn", 5, 0) != 5)
        abort();
}

/* More than a report may hold. */
static void do_wordy(const struct job *j)
{
    int moment = report_add_moment(j->report, 0, 0);

    for (int i = 0; i < 200000; i++)
        report_add_finding(j->report,
                           &(struct finding){.moment = moment, .label = "person", .score = 0.123456789});
    judge(j);
}

static void do_slow(const struct job *j)
{
    for (int i = 1; i <= 5; i++) {
        rest(110);
        j->tools->progress(j->tools->progress_arg, i, 5);
    }
    judge(j);
}

static void do_hasty(const struct job *j)
{
    for (int i = 1; i <= 5000; i++)
        j->tools->progress(j->tools->progress_arg, i, 5000);
    judge(j);
}

static void do_crash(const struct job *j UNUSED)
{
    abort();
}

static void do_hang(const struct job *j UNUSED)
{
    for (;;)
        rest(1000);
}

static void do_spin(const struct job *j UNUSED)
{
    for (volatile unsigned i = 0;; i = i + 1)
        ;
}

static void do_leave(const struct job *j UNUSED)
{
    _exit(7);
}

static void do_eat_memory(const struct job *j UNUSED)
{
    const size_t piece = 16 << 20;

    for (;;) {
        char *p = malloc(piece);
        if (!p)
            abort();
        memset(p, 1, piece);
    }
}

static void do_fork(const struct job *j)
{
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM)
        judge(j);
    else
        _exit(8);
}

static void do_exec(const struct job *j UNUSED)
{
    char *none[] = {NULL};

    execve("/bin/true", none, none);
}

static void do_change_subject(const struct job *j)
{
    if (write(j->fds.media, "0", 1) >= 0 || ftruncate(j->fds.media, 0) >= 0)
        _exit(8);
    judge(j);
}

/* What a taken-over analyst may do: talk to the front by itself. */
static void say(uint32_t type, uint64_t value)
{
    struct message m = {.type = type, .done = {.report_bytes = value}};

    (void)link_send(3, &m, NULL, 0, NULL);
}

static void wait_for_end(void)
{
    for (;;)
        rest(1000);
}

static void do_no_report(const struct job *j UNUSED)
{
    say(MSG_DONE, 0);
    wait_for_end();
}

static void do_huge_report(const struct job *j UNUSED)
{
    say(MSG_DONE, UINT64_MAX);
    wait_for_end();
}

/* One of the descriptors at hand is the report's; the others cannot be written. */
static void forge(const char *text)
{
    for (int fd = 4; fd < 9; fd++)
        (void)!pwrite(fd, text, strlen(text), 0);
    say(MSG_DONE, strlen(text));
    wait_for_end();
}

static void do_garbage(const struct job *j UNUSED)
{
    forge("{\"schema\":\"assay.report/1\",\"risk\":\"safe\"");
}

static void do_empty_object(const struct job *j UNUSED)
{
    forge("{}");
}

/* A faultless report, but about another subject. */
static void do_other_subject(const struct job *j)
{
    struct job_spec other = *j->spec;

    memset(other.subject.sha256, 'b', HASH_HEX - 1);
    forge((const char *)report_to_json(j->report->arena, report_new(j->report->arena, &other)).data);
}

static void do_wrong_message(const struct job *j UNUSED)
{
    say(MSG_READY, 1);
    wait_for_end();
}

static void do_short_message(const struct job *j UNUSED)
{
    struct iovec piece = {.iov_base = (char[]){"x"}, .iov_len = 1};
    struct msghdr head = {.msg_iov = &piece, .msg_iovlen = 1};

    (void)sendmsg(3, &head, MSG_NOSIGNAL);
    wait_for_end();
}

static void do_flood(const struct job *j UNUSED)
{
    for (;;)
        say(MSG_PROGRESS, 1);
}

static void do_hang_up(const struct job *j UNUSED)
{
    close(3);
    wait_for_end();
}

static const struct {
    const char *name;
    void (*act)(const struct job *j);
} deeds[] = {
    {"ok", judge},
    {"slow", do_slow},
    {"wordy", do_wordy},
    {"hasty", do_hasty},
    {"crash", do_crash},
    {"hang", do_hang},
    {"spin", do_spin},
    {"leave", do_leave},
    {"eat-memory", do_eat_memory},
    {"fork", do_fork},
    {"exec", do_exec},
    {"change-subject", do_change_subject},
    {"no-report", do_no_report},
    {"huge-report", do_huge_report},
    {"garbage", do_garbage},
    {"empty-object", do_empty_object},
    {"other-subject", do_other_subject},
    {"wrong-message", do_wrong_message},
    {"short-message", do_short_message},
    {"flood", do_flood},
    {"hang-up", do_hang_up},
};

void analyse(const struct toolbox *tools, const struct job_spec *spec, struct subject_fds fds,
             struct report *report)
{
    const struct job j = {tools, spec, fds, report};

    for (size_t i = 0; i < COUNT_OF(deeds); i++)
        if (text_is(deeds[i].name, spec->subject.name))
            deeds[i].act(&j);
}
