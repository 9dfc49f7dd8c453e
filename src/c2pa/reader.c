#include "c2pa/reader.h"

#include <string.h>

#include "c2pa/jumbf.h"

const char *c2pa_state_name(enum c2pa_state state)
{
    static const char *const names[] = {"None", "Invalid", "Valid", "Trusted"};

    return names[state];
}

/* What is found is not judged yet: nothing of it may pass for valid. */
static void not_judged(struct arena *a, struct c2pa_result *ret)
{
    static const struct c2pa_failure failure = {"general.error", "the manifest store was not judged"};

    ret->state = C2PA_INVALID;
    ret->failures = &failure;
    ret->nfailures = 1;
    ret->json = arena_strdup(a, "{\"validation_state\":\"Invalid\",\"validation_status\":[{\"code\":"
                                "\"general.error\",\"explanation\":\"the manifest store was not judged\"}]}");
    ret->json_len = strlen(ret->json);
}

int c2pa_read(struct arena *a, const struct source *s, const struct c2pa_opts *opts UNUSED,
              struct c2pa_result *ret, struct err *err)
{
    struct container_store store = {0};
    struct err why = {0};
    int found = container_find(a, s, &store, &why);

    if (found < 0 && why.kind != ERR_DECODE && why.kind != ERR_LIMIT && why.kind != ERR_UNSUPPORTED)
        return FAIL(err, why.kind, "%s", why.text);
    *ret = (struct c2pa_result){0};
    if (found != 0)
        not_judged(a, ret);
    return 0;
}
