/* Leaves with an exit handler that never ends. */
#define ACT act
#include "act.h"

static void for_ever(void) {
    for (;;) poll(NULL, 0, -1);
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    atexit(for_ever);
    exit(0);
}
