#include "lab/sandbox.h"

#include "lab/lab_int.h"
#include "test.h"

static const struct sandbox_opts walls = {.memory_bytes = 64 << 20, .file_bytes = 16 << 20};

static struct sandbox_trial_result results[256];

static void has_thirty_trials_or_more(void)
{
    CHECK(sandbox_ntrials >= 30 && sandbox_ntrials <= COUNT_OF(results));
    for (size_t i = 0; i < sandbox_ntrials; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(sandbox_trials[i].what, sandbox_trials[j].what) != 0);
}

static void blocks_every_trial(void)
{
    struct err err = {0};

    CHECK(sandbox_prove(&walls, results, &err) == 0);
    CHECK_STR(err.text, "");
    for (size_t i = 0; i < sandbox_ntrials && test_ok; i++) {
        CHECK(results[i].blocked);
        ROW("%s", sandbox_trials[i].what);
    }
}

/* The control: the same trials without walls. A few are refused to any unprivileged process. */
static void the_trials_work_outside(void)
{
    struct err err = {0};
    size_t blocked = 0;

    CHECK(trials_run(NULL, results, &err) == 0);
    for (size_t i = 0; i < sandbox_ntrials; i++)
        if (results[i].blocked) {
            printf("# refused without a sandbox, too: %s (%s)\n", sandbox_trials[i].what,
                   strerror(results[i].error));
            blocked++;
        }
    CHECK(blocked < sandbox_ntrials / 2);
}

static void tells_what_the_kernel_offers(void)
{
    struct sandbox_support s = sandbox_support();

    CHECK(s.seccomp);
    CHECK(s.landlock_abi >= 0 && s.landlock_abi < 100);
}

int main(void)
{
    RUN(has_thirty_trials_or_more);
    RUN(blocks_every_trial);
    RUN(the_trials_work_outside);
    RUN(tells_what_the_kernel_offers);
    return test_end();
}
