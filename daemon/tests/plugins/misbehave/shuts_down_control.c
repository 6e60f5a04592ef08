/* Shuts its control socket down. */
#define ACT act
#include "act.h"
#include <sys/socket.h>

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    shutdown(ACT_CONTROL, SHUT_RDWR);
}
