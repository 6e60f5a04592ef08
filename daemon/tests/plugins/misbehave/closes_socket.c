/* Closes its data sockets. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    for (size_t i = 0; i < all_fd_count; i++) close(all_fds[i]);
}
