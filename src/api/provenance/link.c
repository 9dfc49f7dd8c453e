/* Links to the pages of results. Who has one may read that one page, until it is too old: it is made for
 * those who read the result itself, and tells nothing else.
 *
 *   {public-url}/ui/results/{identifier}?expires={seconds since 1970}&signature={64 hex digits}
 *   signature = HMAC-SHA256(secret of the data directory, "result\n{identifier}\n{expires}")
 *
 * The time is rounded up to a whole day, so that the same result reads the same all day long. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/provenance/provenance_int.h"
#include "base/text.h"

static void sign(const struct provenance *p, const char *identifier, const char *expires,
                 char ret_hex[HASH_HEX])
{
    uint8_t mac[HASH_SIZE];
    char text[160];
    int n = snprintf(text, sizeof text, "result\n%.64s\n%.20s", identifier, expires);

    hash_hmac(bytes_of(p->secret, sizeof p->secret), bytes_of(text, (size_t)n), mac);
    text_hex(ret_hex, mac, sizeof mac);
}

const char *link_make(const struct api *api, struct arena *a, const char *identifier, int64_t wall_us)
{
    const struct provenance_opts *opts = &api->opts.provenance;
    const char *base = opts->public_url ? opts->public_url : "";
    const int64_t day_s = 86400;
    char expires[24], signature[HASH_HEX];

    if (!api->provenance)
        return arena_printf(a, "%s/ui/results/%s", base, identifier);
    snprintf(expires, sizeof expires, "%" PRId64,
             ((wall_us / 1000 + opts->link_ms) / 1000 / day_s + 1) * day_s);
    sign(api->provenance, identifier, expires, signature);
    return arena_printf(a, "%s/ui/results/%s?expires=%s&signature=%s", base, identifier, expires, signature);
}

bool link_is_good(const struct api *api, const char *identifier, const char *expires, const char *signature,
                  int64_t wall_us)
{
    char right[HASH_HEX];
    int64_t seconds;

    if (!expires || !signature || strlen(expires) > 20 || strlen(signature) != HASH_HEX - 1 ||
        !text_to_i64(expires, &seconds) || seconds < wall_us / 1000000)
        return false;
    sign(api->provenance, identifier, expires, right);
    return hash_equal(right, signature, HASH_HEX - 1);
}
