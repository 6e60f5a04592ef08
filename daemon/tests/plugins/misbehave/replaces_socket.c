/* Puts another file where its data sockets were. */
#define ACT act
#include "act.h"
#include <fcntl.h>

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    int null = open("/dev/null", O_RDWR);
    for (size_t i = 0; i < all_fd_count; i++) dup2(null, all_fds[i]);
}
