/* Takes all memory that there is. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    for (;;) {
        volatile char *block = malloc(1 << 20);
        if (!block) perror("malloc"), abort();
        for (size_t i = 0; i < 1 << 20; i += 4096) block[i] = 1;
    }
}
