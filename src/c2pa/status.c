#include "c2pa/status_int.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "c2pa/reader_int.h"

static const struct {
    const char *name;
    enum status_kind kind;
} codes[] = {
    [CODE_NONE] = {"", STATUS_INFORMATIONAL},

    [CLAIM_SIGNATURE_VALIDATED] = {"claimSignature.validated", STATUS_SUCCESS},
    [CLAIM_SIGNATURE_INSIDE_VALIDITY] = {"claimSignature.insideValidity", STATUS_SUCCESS},
    [CREDENTIAL_TRUSTED] = {"signingCredential.trusted", STATUS_SUCCESS},
    [OCSP_NOT_REVOKED] = {"signingCredential.ocsp.notRevoked", STATUS_SUCCESS},
    [STAMP_VALIDATED] = {"timeStamp.validated", STATUS_SUCCESS},
    [STAMP_TRUSTED] = {"timeStamp.trusted", STATUS_SUCCESS},
    [ASSERTION_MATCH] = {"assertion.hashedURI.match", STATUS_SUCCESS},
    [DATA_HASH_MATCH] = {"assertion.dataHash.match", STATUS_SUCCESS},
    [BMFF_HASH_MATCH] = {"assertion.bmffHash.match", STATUS_SUCCESS},
    [INGREDIENT_VALIDATED] = {"ingredient.manifest.validated", STATUS_SUCCESS},
    [INGREDIENT_SIGNATURE_VALIDATED] = {"ingredient.claimSignature.validated", STATUS_SUCCESS},

    [STAMP_MALFORMED] = {"timeStamp.malformed", STATUS_INFORMATIONAL},
    [STAMP_MISMATCH] = {"timeStamp.mismatch", STATUS_INFORMATIONAL},
    [STAMP_UNTRUSTED] = {"timeStamp.untrusted", STATUS_INFORMATIONAL},
    [STAMP_OUTSIDE_VALIDITY] = {"timeStamp.outsideValidity", STATUS_INFORMATIONAL},
    [DATA_HASH_MORE_EXCLUSIONS] = {"assertion.dataHash.additionalExclusionsPresent", STATUS_INFORMATIONAL},
    [INGREDIENT_UNKNOWN] = {"ingredient.unknownProvenance", STATUS_INFORMATIONAL},
    [OCSP_SKIPPED] = {"signingCredential.ocsp.skipped", STATUS_INFORMATIONAL},
    /* Not in the specification: a kind of hash that this reader does not compute. It keeps a file Invalid. */
    [BINDING_NOT_CHECKED] = {"assay.hardBinding.notChecked", STATUS_INFORMATIONAL},

    [CLAIM_MISSING] = {"claim.missing", STATUS_FAILURE},
    [CLAIM_MULTIPLE] = {"claim.multiple", STATUS_FAILURE},
    [CLAIM_CBOR_INVALID] = {"claim.cbor.invalid", STATUS_FAILURE},
    [CLAIM_MALFORMED] = {"claim.malformed", STATUS_FAILURE},
    [CLAIM_SIGNATURE_MISSING] = {"claimSignature.missing", STATUS_FAILURE},
    [CLAIM_SIGNATURE_MISMATCH] = {"claimSignature.mismatch", STATUS_FAILURE},
    [ALGORITHM_UNSUPPORTED] = {"algorithm.unsupported", STATUS_FAILURE},
    [CREDENTIAL_UNTRUSTED] = {"signingCredential.untrusted", STATUS_FAILURE},
    [CREDENTIAL_INVALID] = {"signingCredential.invalid", STATUS_FAILURE},
    [CREDENTIAL_EXPIRED] = {"signingCredential.expired", STATUS_FAILURE},
    [OCSP_REVOKED] = {"signingCredential.ocsp.revoked", STATUS_FAILURE},
    [ASSERTION_MISMATCH] = {"assertion.hashedURI.mismatch", STATUS_FAILURE},
    [ASSERTION_MISSING] = {"assertion.missing", STATUS_FAILURE},
    [ASSERTION_UNDECLARED] = {"assertion.undeclared", STATUS_FAILURE},
    [ASSERTION_OUTSIDE] = {"assertion.outsideManifest", STATUS_FAILURE},
    [ASSERTION_CBOR_INVALID] = {"assertion.cbor.invalid", STATUS_FAILURE},
    [ASSERTION_JSON_INVALID] = {"assertion.json.invalid", STATUS_FAILURE},
    [ASSERTION_SELF_REDACTED] = {"assertion.selfRedacted", STATUS_FAILURE},
    [ASSERTION_ACTION_REDACTED] = {"assertion.action.redacted", STATUS_FAILURE},
    [ASSERTION_BINDING_REDACTED] = {"assertion.dataHash.redacted", STATUS_FAILURE},
    [BINDINGS_MISSING] = {"claim.hardBindings.missing", STATUS_FAILURE},
    [BINDINGS_MULTIPLE] = {"assertion.multipleHardBindings", STATUS_FAILURE},
    [DATA_HASH_MISMATCH] = {"assertion.dataHash.mismatch", STATUS_FAILURE},
    [DATA_HASH_MALFORMED] = {"assertion.dataHash.malformed", STATUS_FAILURE},
    [BMFF_HASH_MISMATCH] = {"assertion.bmffHash.mismatch", STATUS_FAILURE},
    [BMFF_HASH_MALFORMED] = {"assertion.bmffHash.malformed", STATUS_FAILURE},
    [INGREDIENT_MISMATCH] = {"ingredient.manifest.mismatch", STATUS_FAILURE},
    [INGREDIENT_MISSING] = {"ingredient.manifest.missing", STATUS_FAILURE},
    [INGREDIENT_SIGNATURE_MISSING] = {"ingredient.claimSignature.missing", STATUS_FAILURE},
    [INGREDIENT_SIGNATURE_MISMATCH] = {"ingredient.claimSignature.mismatch", STATUS_FAILURE},
    [INGREDIENT_MALFORMED] = {"assertion.ingredient.malformed", STATUS_FAILURE},
    [MANIFEST_MULTIPLE_PARENTS] = {"manifest.multipleParents", STATUS_FAILURE},
    [MANIFEST_UPDATE_INVALID] = {"manifest.update.invalid", STATUS_FAILURE},
    [MANIFEST_UPDATE_PARENTS] = {"manifest.update.wrongParents", STATUS_FAILURE},
    [MANIFEST_COMPRESSED] = {"manifest.compressed.invalid", STATUS_FAILURE},
    [GENERAL_ERROR] = {"general.error", STATUS_FAILURE},
};
_Static_assert(COUNT_OF(codes) == CODE_COUNT, "a code has no name");

const char *code_name(enum c2pa_code code)
{
    return codes[code].name;
}

enum status_kind code_kind(enum c2pa_code code)
{
    return codes[code].kind;
}

bool status_has(const struct status_list *l, enum c2pa_code code)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].code == code && !l->items[i].via)
            return true;
    return false;
}

/* Names from certificates, and a text that was cut: whatever is no UTF-8 ends it. */
static void keep_utf8(char *text)
{
    size_t n = strlen(text);

    while (n > 0 && !text_is_utf8(text, n))
        text[--n] = '\0';
}

/* Above the ceiling only one more is kept, which says so and is a failure of the active manifest. */
void status_add(struct reading *r, enum c2pa_code code, const char *via, const char *url, const char *fmt,
                ...)
{
    struct status s = {.code = code, .via = via, .url = url};
    char text[512];
    va_list args;

    if (r->list.n > C2PA_MAX_STATUSES)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    keep_utf8(text);
    s.explanation = arena_strdup(r->a, text);
    if (r->list.n == C2PA_MAX_STATUSES)
        s = (struct status){.code = GENERAL_ERROR, .url = url, .explanation = "there are too many statuses"};
    ARENA_PUSH(r->a, r->list.items, r->list.n, r->list.cap) = s;
}
