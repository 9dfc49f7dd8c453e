#include "c2pa/trust.h"

#include <openssl/crypto.h>

void c2pa_prepare(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
}
