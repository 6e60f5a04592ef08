/* Sets fields that belong to the connection. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    (void)worker, (void)request;
    act_answer(host, exchange, 200, "transfer-encoding", "chunked", "0\r\n\r\n");
}
