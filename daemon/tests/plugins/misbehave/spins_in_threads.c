/* Answers, and keeps every processor busy from then on. */
#define ACT act
#include "act.h"
#include <pthread.h>

static void *spins(void *nothing) {
    for (volatile unsigned n = 0;; n++) {
    }
    return nothing;
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    pthread_t thread;
    for (int i = 0; i < 8; i++) pthread_create(&thread, NULL, spins, NULL);
    valor_answer(host, exchange, 200, "text/plain", "busy\n");
}
