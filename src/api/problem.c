#include "api/problem.h"

#include <inttypes.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"

static const struct word {
    int status;
    const char *title, *code;
} words[] = {
    {400, "Bad Request", "invalid_request"},
    {401, "Unauthorized", "unauthorized"},
    {403, "Forbidden", "forbidden"},
    {404, "Not Found", "not_found"},
    {405, "Method Not Allowed", "method_not_allowed"},
    {409, "Conflict", "conflict"},
    {410, "Gone", "gone"},
    {413, "Content Too Large", "too_large"},
    {415, "Unsupported Media Type", "unsupported_media_type"},
    {422, "Unprocessable Content", "unprocessable"},
    {429, "Too Many Requests", "too_many_requests"},
    {500, "Internal Server Error", "internal"},
    {503, "Service Unavailable", "unavailable"},
    {507, "Insufficient Storage", "insufficient_storage"},
};

static const struct word *word_of(int status)
{
    static const struct word other = {0, "Error", "error"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i].status == status)
            return &words[i];
    return &other;
}

static struct bytes body_of(struct request *r, const struct problem *p)
{
    CLEANUP(json_mut_freep) yyjson_mut_doc *doc = json_doc_new();
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    const struct word *word = word_of(p->status);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "type", "about:blank");
    yyjson_mut_obj_add_str(doc, root, "title", word->title);
    yyjson_mut_obj_add_int(doc, root, "status", p->status);
    yyjson_mut_obj_add_str(doc, root, "detail", p->detail);
    if (p->whole) {
        yyjson_mut_obj_add_str(doc, root, "instance", request_path(r));
        yyjson_mut_obj_add_str(doc, root, "code", p->code ? p->code : word->code);
    }
    return json_write(request_arena(r), doc);
}

void problem_reply(struct request *r, const struct problem *p)
{
    struct reply rep = {.status = p->status, .type = "application/problem+json", .body = body_of(r, p)};

    if (p->status == 401)
        reply_header(&rep, r, "WWW-Authenticate", "%s", "Bearer");
    if (p->retry_seconds)
        reply_header(&rep, r, "Retry-After", "%" PRId64, p->retry_seconds);
    request_reply(r, &rep);
}

static const struct {
    enum err_kind kind;
    int status, retry_seconds;
} statuses[] = {
    {ERR_INPUT, 400, 0},    {ERR_LIMIT, 413, 0}, {ERR_UNSUPPORTED, 415, 0}, {ERR_NOT_FOUND, 404, 0},
    {ERR_CONFLICT, 409, 0}, {ERR_BUSY, 503, 5},  {ERR_QUOTA, 429, 5},       {ERR_FULL, 507, 0},
};

struct problem problem_of(struct request *r, const struct caller *caller, const struct err *err)
{
    struct problem p = {.status = 500, .detail = err->text};

    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].kind == err->kind) {
            p.status = statuses[i].status;
            p.retry_seconds = statuses[i].retry_seconds;
        }
    if (p.status == 429 && caller && caller->over_rate)
        p.retry_seconds = caller->reset_seconds;
    if (p.status == 500 || p.status == 507)
        log_error("request failed", "req=%s path=%s code=%s text=%s", request_id(r), request_path(r),
                  err_code(err->kind), err->text);
    if (p.status == 500)
        p.detail = "internal server error";
    if (p.status == 507)
        p.detail = "the disk of the server is full, nothing was accepted; try again later";
    return p;
}

bool problem_enter(struct request *r, const struct need *need, struct caller *ret_caller,
                   struct problem *ret_problem, struct err *err)
{
    if (gate_enter(api_of(r)->gate, r, need, ret_caller, err) == 0)
        return true;
    *ret_problem = (struct problem){.status = 500, .detail = err->text};
    if (err->kind == ERR_DENIED) {
        ret_problem->status = ret_caller->lacks_scope ? 403 : 401;
    } else if (err->kind == ERR_BUSY || err->kind == ERR_QUOTA) {
        ret_problem->status = 429;
        ret_problem->retry_seconds = ret_caller->reset_seconds;
    }
    return false;
}
