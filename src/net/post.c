/* Webhooks: posted, the status read, the body dropped. */
#include "base/text.h"
#include "net/client_int.h"

struct post {
    struct transfer transfer; /* first */
    struct bytes body;
};

static void set(CURL *e, struct transfer *t)
{
    struct post *p = (struct post *)t;

    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, (const char *)p->body.data);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.len);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)client_opts_of(t)->total_ms);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, transfer_drop);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
}

static void describe(const struct transfer *t, CURLcode code, struct err *err)
{
    if (t->refused[0] && code == CURLE_COULDNT_CONNECT)
        err_set(err, ERR_DENIED, "the address %s is not public, webhooks do not go there", t->refused);
    else
        err_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO, "%s",
                t->why[0] ? t->why : curl_easy_strerror(code));
}

/* A status counts, whatever became of the body behind it: the receiver has spoken. */
static bool end(struct transfer *t, CURLcode code, struct client_result *result)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) {
        result->status = (int)status;
    } else if (code == CURLE_OK) {
        err_set(&result->err, ERR_IO, "the answer has no status");
    } else {
        describe(t, code, &result->err);
    }
    if (!result->status)
        result->retry_after_s = -1;
    return true;
}

static const struct transfer_kind kind = {set, end};

void client_post(struct client *c, const struct client_post *post)
{
    struct arena *a = arena_new();
    struct post *p = arena_alloc(a, sizeof *p);

    *p = (struct post){.transfer = {.kind = &kind, .done = post->done, .arg = post->arg}};
    p->transfer.url = arena_strdup(a, post->url);
    p->body = bytes_of(arena_strndup(a, (const char *)post->body.data, post->body.len), post->body.len);
    for (size_t i = 0; post->headers[i]; i++)
        p->transfer.headers = curl_slist_append(p->transfer.headers, post->headers[i]);
    p->transfer.headers =
        curl_slist_append(p->transfer.headers, "Expect:"); /* no waiting for a "100 Continue" */
    client_begin(c, &p->transfer, a);
}
