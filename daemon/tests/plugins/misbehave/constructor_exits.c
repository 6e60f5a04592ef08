/* Exits in a constructor, as if all were well. */
#define ACT act
#include "act.h"

__attribute__((constructor)) static void before_all(void) {
    _exit(0);
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    (void)worker, (void)request;
    valor_answer(host, exchange, 200, "text/plain", "alive\n");
}
