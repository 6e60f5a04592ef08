/* Lets go of the exchange without an answer. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    host->release(exchange);
}
