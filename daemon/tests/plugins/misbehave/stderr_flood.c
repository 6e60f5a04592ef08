/* Prints without end. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    static const char line[] = "another line of the flood, as long as lines are\n";
    for (;;)
        if (write(2, line, sizeof line - 1) < 0) continue;
}
