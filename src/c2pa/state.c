/* The state by the specification's rule ("validation states"), and one thing more: a file is not valid before
 * its own bytes have been compared with a hash. */
#include "base/text.h"
#include "c2pa/reader_int.h"

/* What does not spoil a manifest: that the signer is nobody known. */
static bool is_tolerated(enum c2pa_code code)
{
    return code == CREDENTIAL_UNTRUSTED;
}

enum c2pa_state state_judge(const struct reading *r)
{
    bool failed = false, spoiled = false;

    for (size_t i = 0; i < r->list.n; i++)
        if (code_kind(r->list.items[i].code) == STATUS_FAILURE) {
            failed = true;
            spoiled |= !is_tolerated(r->list.items[i].code);
        }
    if (spoiled || !r->bound || !status_has(&r->list, CLAIM_SIGNATURE_VALIDATED) ||
        !status_has(&r->list, CLAIM_SIGNATURE_INSIDE_VALIDITY))
        return C2PA_INVALID;
    return !failed && status_has(&r->list, CREDENTIAL_TRUSTED) ? C2PA_TRUSTED : C2PA_VALID;
}
