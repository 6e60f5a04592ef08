/* Asks the shim to send 101. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    (void)worker, (void)request;
    act_answer(host, exchange, 101, "upgrade", "websocket", "");
}
