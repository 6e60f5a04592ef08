/* Sends more than its content-length says. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    (void)worker, (void)request;
    act_answer(host, exchange, 200, "content-length", "3", "abcHTTP/1.1 200 OK\r\n\r\n");
}
