/* What a reading has found out, as coded statuses: the codes of the C2PA specification, each of one kind. */
#ifndef ASSAY_C2PA_STATUS_INT_H
#define ASSAY_C2PA_STATUS_INT_H

#include <stdbool.h>
#include <stddef.h>

enum status_kind { STATUS_SUCCESS, STATUS_INFORMATIONAL, STATUS_FAILURE };

/* The names and kinds stand in status.c. */
enum c2pa_code {
    CODE_NONE,
    CLAIM_SIGNATURE_VALIDATED,
    CLAIM_SIGNATURE_INSIDE_VALIDITY,
    CREDENTIAL_TRUSTED,
    OCSP_NOT_REVOKED,
    STAMP_VALIDATED,
    STAMP_TRUSTED,
    ASSERTION_MATCH,
    DATA_HASH_MATCH,
    BMFF_HASH_MATCH,
    INGREDIENT_VALIDATED,
    INGREDIENT_SIGNATURE_VALIDATED,

    STAMP_MALFORMED,
    STAMP_MISMATCH,
    STAMP_UNTRUSTED,
    STAMP_OUTSIDE_VALIDITY,
    DATA_HASH_MORE_EXCLUSIONS,
    INGREDIENT_UNKNOWN,
    OCSP_SKIPPED,
    BINDING_NOT_CHECKED,

    CLAIM_MISSING,
    CLAIM_MULTIPLE,
    CLAIM_CBOR_INVALID,
    CLAIM_MALFORMED,
    CLAIM_SIGNATURE_MISSING,
    CLAIM_SIGNATURE_MISMATCH,
    ALGORITHM_UNSUPPORTED,
    CREDENTIAL_UNTRUSTED,
    CREDENTIAL_INVALID,
    CREDENTIAL_EXPIRED,
    OCSP_REVOKED,
    ASSERTION_MISMATCH,
    ASSERTION_MISSING,
    ASSERTION_UNDECLARED,
    ASSERTION_OUTSIDE,
    ASSERTION_CBOR_INVALID,
    ASSERTION_JSON_INVALID,
    ASSERTION_SELF_REDACTED,
    ASSERTION_ACTION_REDACTED,
    ASSERTION_BINDING_REDACTED,
    BINDINGS_MISSING,
    BINDINGS_MULTIPLE,
    DATA_HASH_MISMATCH,
    DATA_HASH_MALFORMED,
    BMFF_HASH_MISMATCH,
    BMFF_HASH_MALFORMED,
    INGREDIENT_MISMATCH,
    INGREDIENT_MISSING,
    INGREDIENT_SIGNATURE_MISSING,
    INGREDIENT_SIGNATURE_MISMATCH,
    INGREDIENT_MALFORMED,
    MANIFEST_MULTIPLE_PARENTS,
    MANIFEST_UPDATE_INVALID,
    MANIFEST_UPDATE_PARENTS,
    MANIFEST_COMPRESSED,
    GENERAL_ERROR,
    CODE_COUNT,
};

const char *code_name(enum c2pa_code code);
enum status_kind code_kind(enum c2pa_code code);

struct status {
    enum c2pa_code code;
    const char *via; /* the ingredient assertion that led to it; NULL: the active manifest */
    const char *url; /* what it is about */
    const char *explanation;
};
struct status_list {
    struct status *items;
    size_t n, cap;
};

/* Whether one of the active manifest (via NULL) has that code. */
bool status_has(const struct status_list *l, enum c2pa_code code);

#endif
