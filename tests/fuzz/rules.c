/* The operator's rules file: refused with a sentence, or thresholds and zones that every job can be run with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/rules.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be(bool holds)
{
    if (!holds)
        abort();
}

static void check_applied(const struct rules *r, const char *tenant, const char *camera)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_spec spec = job_spec_defaults();

    rules_apply(r, a, tenant, camera, 1767225600000000, &spec.alarm);
    must_be(job_spec_check(&spec, NULL) == 0);
    for (size_t i = 0; i < spec.alarm.nzones; i++)
        for (size_t k = 0; k < spec.alarm.zones[i].n; k++) {
            struct zone_point p = spec.alarm.zones[i].points[k];
            must_be(p.x >= 0 && p.x <= 1 && p.y >= 0 && p.y <= 1);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(fd_closep) int fd = memfd_create("rules", MFD_CLOEXEC);
    struct err err = {0};
    struct rules *r;
    char path[64];

    must_be(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    r = rules_load(path, &err);
    if (!r) {
        must_be(err.text[0] != '\0');
        return 0;
    }
    check_applied(r, "acme", "cam");
    check_applied(r, "acme", "");
    check_applied(r, "nobody", "cam");
    rules_free(r);
    return 0;
}
