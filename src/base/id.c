#include "base/id.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "base/text.h"

/* The process part and the first counter value are drawn once; that and the counter are the only state. */
static pthread_once_t drawn = PTHREAD_ONCE_INIT;
static uint8_t process_part[5];
static atomic_uint counter;

static void draw(void)
{
    unsigned first;

    hash_random(process_part, sizeof process_part);
    hash_random(&first, sizeof first);
    atomic_store(&counter, first);
}

void id_new(char ret_id[ID_TEXT], int64_t wall_us)
{
    uint32_t seconds = (uint32_t)(wall_us / 1000000), n;
    uint8_t raw[12];

    pthread_once(&drawn, draw);
    n = atomic_fetch_add(&counter, 1);
    for (int i = 0; i < 4; i++)
        raw[i] = (uint8_t)(seconds >> (24 - 8 * i));
    for (int i = 0; i < 5; i++)
        raw[4 + i] = process_part[i];
    for (int i = 0; i < 3; i++)
        raw[9 + i] = (uint8_t)(n >> (16 - 8 * i));
    text_hex(ret_id, raw, sizeof raw);
}

bool id_is_valid(const char *s)
{
    return s && text_is_hex(s, ID_DIGITS);
}
