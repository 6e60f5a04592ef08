/* What every act shares: `GET /ok` is answered; anything else does the act. Each file defines ACT before it includes this,
 * or brings an entry of its own. */
#include "valor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

VALOR_MANIFEST("{\"manifest\":1,\"name\":\"misbehave\",\"version\":\"0.1.0\",\"abi\":1,\"sdk\":\"c\"}")

/* Where a shim has its control socket. */
#define ACT_CONTROL 3

/* Answers whatever comes; for plugins whose act is somewhere else. */
static inline void act_ok(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                          const valor_request *request) {
    (void)worker, (void)request;
    valor_answer(host, exchange, 200, "text/plain", "ok\n");
}

#ifdef ACT
/* The descriptors of worker 0, for acts that go around the protocol. */
static const int *all_fds;
static size_t all_fd_count;

static void ACT(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request);

static int act_create(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    (void)host;
    (void)worker;
    all_fds = args->fds;
    all_fd_count = args->fd_count;
    return 0;
}

static void act_on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                           const valor_request *request) {
    if (valor_is(request->target, "/ok"))
        valor_answer(host, exchange, 200, "text/plain", "ok\n");
    else
        ACT(host, worker, exchange, request);
}

static const valor_plugin act_plugin = {
    .abi = VALOR_ABI_VERSION,
    .size = sizeof act_plugin,
    .sdk = "c",
    .create = act_create,
    .on_request = act_on_request,
};

const valor_plugin *valor_plugin_entry(void) { return &act_plugin; }

/* Answers with a status, one field and a body, as they are. */
static inline void act_answer(const valor_host *host, valor_exchange *exchange, uint32_t status, const char *name,
                              const char *value, const char *body) {
    valor_field field = {valor_text(name), valor_text(value)};
    valor_response head = {status, 0, &field, 1};
    int result = host->respond(exchange, &head, valor_copy(body, strlen(body)), VALOR_FLAG_END);
    if (result == VALOR_INVALID) host->reset(exchange, VALOR_RESET_FAILED, valor_text("the shim refused the head"));
    host->release(exchange);
}

/* Nothing that a compiler could see through. */
static inline void act_spin(void) {
    for (volatile unsigned n = 0;; n++) {
    }
}

/* The target of a request, NUL-terminated. */
static inline const char *act_target(const valor_request *request) {
    static _Thread_local char text[4096];
    size_t len = request->target.len < sizeof text ? request->target.len : sizeof text - 1;
    memcpy(text, request->target.ptr, len);
    text[len] = 0;
    return text;
}

#define ACT_UNUSED ((void)host, (void)worker, (void)exchange, (void)request)
#endif
