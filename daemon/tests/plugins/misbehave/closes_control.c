/* Closes its control socket. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    close(ACT_CONTROL);
    valor_answer(host, exchange, 200, "text/plain", "closed\n");
}
