/* Idempotency-Key on a request that makes a job (docs/http.md): sent again, it gets the same job.
 *
 * Per tenant. Two requests are the same when method, path, query and all parts of the form are: names, file
 * names and contents, but not the boundary, which clients draw anew for every try. While the first one is
 * still being read its key is held here, in memory; then its row is in the store, for 24 h. Thread safe; one
 * use belongs to one request. */
#ifndef ASSAY_API_IDEMPOTENT_H
#define ASSAY_API_IDEMPOTENT_H

#include "net/multipart.h"
#include "net/server.h"
#include "store/idempotency.h"

enum { IDEMPOTENCY_KEY_TEXT = 256 };

struct key_table;
struct key_table *key_table_new(void);
struct key_table *key_table_free(struct key_table *t);

/* One request with a key. Zero-initialise; all calls are fine, and do nothing, without a key. */
struct keyed {
    struct key_table *table; /* while it holds the key */
    struct keyed *next;
    const char *tenant;
    char key[IDEMPOTENCY_KEY_TEXT]; /* "" = none */
    struct hasher *hash;
    uint64_t content; /* bytes of this part so far */
    char fingerprint[HASH_HEX];
};

/* Reads the header and holds the key. ERR_INPUT when it is malformed; ERR_CONFLICT when another request holds
 * it. tenant is borrowed until keyed_end. */
int keyed_begin(struct keyed *k, struct key_table *t, struct request *r, const char *tenant, struct err *err);
void keyed_part(struct keyed *k, const struct part *part);
void keyed_data(struct keyed *k, struct bytes piece);
void keyed_part_end(struct keyed *k);

enum key_verdict { KEY_NEW, KEY_REPLAY, KEY_OTHER, KEY_ERROR };
/* The body is complete: KEY_NEW without a key, too; KEY_REPLAY with the job; KEY_OTHER when it was another
 * request. */
enum key_verdict keyed_look(struct keyed *k, struct records *db, struct key_use *ret_use, struct err *err);
/* The job is stored, or will not be. Any number of times. */
void keyed_end(struct keyed *k);

/* The value of the header: bare or a quoted string; false unless it has 1 to 255 visible ASCII characters. */
bool idempotency_key_parse(const char *value, char ret_key[IDEMPOTENCY_KEY_TEXT]);

#endif
