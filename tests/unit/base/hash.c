/* Hashes without memory: right, or the process ends. Never wrong, never a crash. Once the library is set up:
 * its own first steps do not survive a lack of memory. */
#include "base/hash.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static int left; /* calls until one fails; 0: none does */

static void *scarce_malloc(size_t n, const char *file UNUSED, int line UNUSED)
{
    return left && --left == 0 ? NULL : malloc(n);
}

static void *scarce_realloc(void *p, size_t n, const char *file UNUSED, int line UNUSED)
{
    return left && --left == 0 ? NULL : realloc(p, n);
}

static void plain_free(void *p, const char *file UNUSED, int line UNUSED)
{
    free(p);
}

static bool is_sum(const uint8_t sum[HASH_SIZE], const char *hex)
{
    char text[HASH_HEX];

    for (size_t i = 0; i < HASH_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
    return strcmp(text, hex) == 0;
}

/* FIPS 180-4 for "abc"; RFC 4231, test case 2. */
static bool hashes_are_right(void)
{
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char jefe[] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    struct bytes key = bytes_of("Jefe", 4), what = bytes_of("what do ya want for nothing?", 28);
    struct hasher *h = hasher_new();
    uint8_t sum[HASH_SIZE];
    char hex[HASH_HEX];
    bool right = true;

    for (int i = 0; i < 3; i++) {
        hasher_add(h, bytes_of("abc", 3));
        hasher_sum(h, sum);
        right = right && is_sum(sum, abc);
    }
    hasher_free(h);
    hash_hex(bytes_of("abc", 3), hex);
    hash_hmac(key, what, sum);
    return right && strcmp(hex, abc) == 0 && is_sum(sum, jefe);
}

static void are_right(void)
{
    CHECK(hashes_are_right());
}

/* In a process of its own. 0: right; 1: wrong; else the signal it died of. */
static int without_memory(int n)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        left = n;
        _exit(!hashes_are_right());
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void are_right_or_there_are_none(void)
{
    int aborted = 0;

    for (int n = 1; n <= 100; n++) {
        int end = without_memory(n);
        CHECK(end == 0 || end == SIGABRT);
        aborted += end == SIGABRT;
        ROW("allocation %d", n);
    }
    CHECK(aborted > 0);
}

int main(void)
{
    CHECK(CRYPTO_set_mem_functions(scarce_malloc, scarce_realloc, plain_free));
    RUN(are_right);
    RUN(are_right_or_there_are_none);
    return test_end();
}
