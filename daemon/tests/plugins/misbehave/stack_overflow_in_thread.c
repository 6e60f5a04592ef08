/* Calls itself for ever, in a thread of its own. */
#define ACT act
#include "act.h"
#include <pthread.h>

static int deeper(volatile char *above) {
    volatile char here[4096];
    here[0] = above[0];
    return deeper(here) + here[0];
}

static void *overflow(void *nothing) {
    char top[1] = {0};
    (void)nothing;
    _exit(deeper(top));
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    pthread_t thread;
    if (pthread_create(&thread, NULL, overflow, NULL)) abort();
}
