/* Prints one line without end, after some that have one. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    static char part[64 << 10];
    memset(part, 'x', sizeof part);
    if (write(2, "the last words\n", 15) < 0) abort();
    for (;;)
        if (write(2, part, sizeof part) < 0) continue;
}
