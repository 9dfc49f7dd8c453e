/* Certificates for tests, made on the spot. */
#ifndef ASSAY_TEST_CERTIFICATE_H
#define ASSAY_TEST_CERTIFICATE_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define USED __attribute__((unused))

USED static void must(bool fine)
{
    if (fine)
        return;
    printf("Bail out! the TLS side of the test cannot be made\n");
    exit(99);
}

/* Signed by itself, good for an hour. */
USED static X509 *certificate(EVP_PKEY *key, const char *name, long serial)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    char names[128];
    X509_EXTENSION *extension;

    snprintf(names, sizeof names, "DNS:%s", name);
    extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    must(extension != NULL);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    must(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

#undef USED
#endif
