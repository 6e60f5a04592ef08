/* Asks the shim to send a value with a line break. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    (void)worker, (void)request;
    act_answer(host, exchange, 200, "x-a", "v\r\nx-b: evil", "abc");
}
