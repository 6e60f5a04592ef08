/* Fails with a reason, which is for the log only. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    host->reset(exchange, VALOR_RESET_FAILED, valor_text("a secret reason"));
    host->release(exchange);
}
