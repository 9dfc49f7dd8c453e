/* A task on its way: its files in memory, the check of what came back. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "lab/front_int.h"
#include "report/json.h"

void ticket_freep(struct ticket **t)
{
    if (!*t)
        return;
    fd_closep(&(*t)->spec_fd);
    fd_closep(&(*t)->subject_fd);
    fd_closep(&(*t)->report_fd);
    fd_closep(&(*t)->artefact_fd);
    free((*t)->job_id);
    free((*t)->pipeline);
    free(*t);
    *t = NULL;
}

/* A file in memory which the analyst cannot change. */
static int sealed_file(struct bytes text, int *ret_fd, struct err *err)
{
    CLEANUP(fd_closep) int fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ssize_t n;

    if (fd < 0)
        return FAIL_ERRNO(err, "cannot create a file in memory");
    for (size_t at = 0; at < text.len; at += (size_t)n) {
        n = write(fd, text.data + at, text.len - at);
        if (n <= 0)
            return FAIL_ERRNO(err, "cannot write a file in memory");
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return FAIL_ERRNO(err, "cannot seal a file in memory");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A file in memory for the report, of fixed size: it costs what is written, and never more than the ceiling.
 */
static int report_file(int *ret_fd, struct err *err)
{
    CLEANUP(fd_closep) int fd = memfd_create("report", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, REPORT_MAX_BYTES) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return FAIL_ERRNO(err, "cannot create a file in memory");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A descriptor of its own, read-only and with its own position, so that an analyst can neither change the
 * subject nor move somebody else's position. */
static int reopen_readonly(int fd, int *ret_fd, struct err *err)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return *ret_fd < 0 ? FAIL_ERRNO(err, "cannot open the subject for reading") : 0;
}

static int ticket_open(struct ticket *t, const struct lab_task *task, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct bytes spec = spec_to_json(a, &task->spec);

    if (spec.len > SPEC_MAX_BYTES)
        return FAIL(err, ERR_LIMIT, "the job is described by more than %d bytes", SPEC_MAX_BYTES);
    t->spec_bytes = spec.len;
    if (sealed_file(spec, &t->spec_fd, err) < 0 || report_file(&t->report_fd, err) < 0 ||
        reopen_readonly(task->subject_fd, &t->subject_fd, err) < 0)
        return -1;
    if (task->artefact_fd >= 0 && (t->artefact_fd = fcntl(task->artefact_fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return FAIL_ERRNO(err, "cannot hand over the artefact's file");
    return 0;
}

struct ticket *ticket_new(const struct lab_task *task, struct err *err)
{
    CLEANUP(ticket_freep) struct ticket *t = mem_alloc(sizeof *t);

    *t = (struct ticket){
        .job_id = mem_strdup(task->spec.id ? task->spec.id : ""),
        .pipeline = mem_strdup(task->spec.pipeline ? task->spec.pipeline : ""),
        .kit = pipeline_kit(task->spec.pipeline),
        .deadline_ms = job_spec_left_ms(&task->spec),
        .spec_fd = -1,
        .subject_fd = -1,
        .report_fd = -1,
        .artefact_fd = -1,
        .done = task->done,
        .progress = task->progress,
        .arg = task->arg,
    };
    text_copy(t->sha256, sizeof t->sha256, task->spec.subject.sha256);
    if (ticket_open(t, task, err) < 0)
        return NULL;
    return TAKE(t);
}

void ticket_end(struct ticket *t, const struct lab_result *result)
{
    t->done(t->arg, result);
    ticket_freep(&t);
}

void ticket_fail(struct ticket *t, const struct err *why)
{
    ticket_end(t, &(struct lab_result){.error = *why});
}

/* Copies the text first and looks at it then: the analyst still holds the file. */
static struct bytes ticket_read(const struct ticket *t, struct arena *a, size_t size)
{
    char *text = arena_try(a, size + 1);
    ssize_t n;

    for (size_t at = 0; text && at < size; at += (size_t)n) {
        n = pread(t->report_fd, text + at, size - at, (off_t)at);
        if (n <= 0)
            return (struct bytes){0};
    }
    return bytes_of(text, text ? size : 0);
}

int ticket_report(const struct ticket *t, struct arena *a, uint64_t size, struct report **ret,
                  struct err *err)
{
    struct err why = {0};

    if (size == 0 || size > REPORT_MAX_BYTES)
        return FAIL(err, ERR_INTERNAL, "The analyst gave back no report.");
    if (report_from_json(a, ticket_read(t, a, (size_t)size), ret, &why) < 0)
        return FAIL(err, why.kind == ERR_IO ? ERR_IO : ERR_INTERNAL,
                    "The analyst's report is not acceptable: %.180s", why.text);
    if (!text_is((*ret)->subject.sha256, t->sha256) || !text_is((*ret)->pipeline, t->pipeline))
        return FAIL(err, ERR_INTERNAL, "The analyst's report is about something else.");
    return 0;
}

int ticket_send(const struct ticket *t, int sock)
{
    struct message m = {.type = MSG_TASK,
                        .task = {.deadline_ms = t->deadline_ms, .spec_bytes = t->spec_bytes}};
    int fds[] = {t->spec_fd, t->subject_fd, t->report_fd, t->artefact_fd};

    return link_send(sock, &m, fds, t->artefact_fd < 0 ? 3 : 4, NULL);
}
