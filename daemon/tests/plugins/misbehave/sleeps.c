/* Blocks its worker: for ever, or by `/until-late` until the daemon has something to say. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    struct pollfd readable = {all_fds[0], POLLIN, 0};
    int for_now = valor_is(request->target, "/until-late");
    poll(&readable, for_now ? 1 : 0, -1);
    if (for_now) host->release(exchange);
}
