/* Leaves from a thread of its own. */
#define ACT act
#include "act.h"
#include <pthread.h>

static void *leave(void *nothing) {
    (void)nothing;
    _exit(7);
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    pthread_t thread;
    if (pthread_create(&thread, NULL, leave, NULL)) abort();
}
