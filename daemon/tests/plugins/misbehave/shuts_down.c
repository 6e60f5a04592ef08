/* Shuts one direction of its data sockets down: 0 to read, 1 to write, by the end of the target. */
#define ACT act
#include "act.h"
#include <sys/socket.h>

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    long how = strtol(strrchr(act_target(request), '/') + 1, NULL, 10);
    for (size_t i = 0; i < all_fd_count; i++) shutdown(all_fds[i], (int)how);
}
