/* Starts threads until there are no more, and says how many and why. */
#define ACT act
#include "act.h"
#include <pthread.h>
#include <stdio.h>

const char *strerrorname_np(int error);

static void *stays(void *nothing) {
    for (;;) poll(NULL, 0, -1);
    return nothing;
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    pthread_attr_t attributes;
    pthread_t thread;
    char text[64];
    int error, count = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    while (!(error = pthread_create(&thread, &attributes, stays, NULL))) count++;
    snprintf(text, sizeof text, "%d %s", count, strerrorname_np(error));
    valor_answer(host, exchange, 200, "text/plain", text);
}
