/* DER taken apart and put together again, as far as time stamps need it.
 *
 * OpenSSL 3.0 decodes the key of every certificate that it reads, at a fifth of a millisecond each; a token
 * carries three and more, of which one has signed it. So the token is unpacked here, and only that one goes
 * to OpenSSL.
 *
 * Everything borrows the bytes. Definite lengths only. */
#ifndef ASSAY_C2PA_DER_INT_H
#define ASSAY_C2PA_DER_INT_H

#include "base/arena.h"
#include "base/bytes.h"

enum der_tag {
    DER_INTEGER = 0x02,
    DER_OID = 0x06,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_0 = 0xa0,
    DER_1 = 0xa1
};

/* One element. */
struct der {
    unsigned tag;
    struct bytes raw, body; /* with and without tag and length */
};
/* Takes one element off the front of b. */
bool der_next(struct bytes *b, struct der *ret);
/* The same; false when it is of another tag. */
bool der_take(struct bytes *b, enum der_tag tag, struct der *ret);
/* An element around parts. */
struct bytes der_wrap(struct arena *a, enum der_tag tag, const struct bytes *parts, size_t n);

#endif
