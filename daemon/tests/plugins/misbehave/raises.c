/* Raises the signal whose number is the end of the target, twice: the first may only take a handler away. */
#define ACT act
#include "act.h"
#include <signal.h>

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    long number = strtol(strrchr(act_target(request), '/') + 1, NULL, 10);
    raise((int)number);
    raise((int)number);
    valor_answer(host, exchange, 200, "text/plain", "alive\n");
}
