/* Opens descriptors until there are no more, and says how many and why. */
#define ACT act
#include "act.h"
#include <stdio.h>

const char *strerrorname_np(int error);

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    char text[64];
    int count = 0;
    while (dup(2) >= 0) count++;
    snprintf(text, sizeof text, "%d %s", count, strerrorname_np(errno));
    valor_answer(host, exchange, 200, "text/plain", text);
}
