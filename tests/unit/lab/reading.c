/* Reading text inside of the sandbox: an engine that was opened before it works behind it, opens nothing,
 * makes no thread, and tells what it sees outside, too. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../analysis/sign.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "infer/language.h"
#include "infer/ocr.h"
#include "lab/lab_int.h"
#include "test.h"

static const struct sandbox_opts walls = {.memory_bytes = 512 << 20, .file_bytes = 1 << 20};
static const char *const sign = "KEEP THIS GATE CLOSED";

static bool reads_the_sign(struct ocr *o, const struct languages *l)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct picture p = sign_blank(a, 960, 540, 210);
    struct ocr_word *words = NULL;
    const char *all = "";
    size_t n = 0;

    sign_draw(&p, sign, 60, 200, 3, 20);
    if (ocr_read(o, a, &p, NULL, 0, &words, &n, NULL) < 0)
        return false;
    for (size_t i = 0; i < n; i++)
        all = arena_printf(a, "%s%s ", all, words[i].text);
    return sign_words_found(sign, all) >= 3 && (!l || text_is(language_of(l, all), "en"));
}

/* Exit status of the child: 0 fine, 1 no sandbox, 2 nothing read, 3 a file could be opened. As an analyst
 * does, all descriptors but the first three are closed. */
static int in_the_sandbox(struct ocr *o, const struct languages *l)
{
    struct err err = {0};
    int null = open("/dev/null", O_RDWR);

    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    close_range(3, ~0u, 0);
    if (sandbox_enter(&walls, &err) < 0)
        return 1;
    if (open("/etc/passwd", O_RDONLY) >= 0)
        return 3;
    for (int i = 0; i < 3; i++)
        if (!reads_the_sign(o, l))
            return 2;
    return 0;
}

static void reads_behind_the_walls(void)
{
    CLEANUP(ocr_freep) struct ocr *o = NULL;
    CLEANUP(languages_freep) struct languages *l = NULL;
    struct err err = {0};
    int status = 0;
    pid_t pid;

    if (ocr_open(&o, "eng", NULL, &err) < 0)
        SKIP("Tesseract or its English file is not installed");
    if (languages_open(&l, &err) < 0)
        printf("# %s\n", err.text);
    CHECK(reads_the_sign(o, l));
    fflush(stdout);
    pid = fork();
    if (pid == 0)
        _exit(in_the_sandbox(o, l));
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), 0);
}

int main(void)
{
    RUN(reads_behind_the_walls);
    return test_end();
}
