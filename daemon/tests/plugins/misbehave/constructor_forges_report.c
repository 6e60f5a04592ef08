/* Reports the best of sandboxes, and that all is ready, on every descriptor that it can find. */
#define ACT act
#include "forge.h"

__attribute__((constructor)) static void before_all(void) {
    for (int fd = 0; fd < 1024; fd++) {
        forge_message(fd, FORGE_REPORT);
        forge_message(fd, FORGE_READY);
    }
}

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    (void)worker, (void)request;
    valor_answer(host, exchange, 200, "text/plain", "forged\n");
}
