/* Logs without end. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    for (;;) host->log(VALOR_LOG_INFO, valor_text("flood"), valor_text("another line of the flood, as long as lines are"));
}
