/* Calls itself for ever. */
#define ACT act
#include "act.h"

static int deeper(volatile char *above) {
    volatile char here[4096];
    here[0] = above[0];
    return deeper(here) + here[0];
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    char top[1] = {0};
    _exit(deeper(top));
}
