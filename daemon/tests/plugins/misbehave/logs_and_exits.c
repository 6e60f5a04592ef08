/* Says why in the log, and leaves at once. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    host->log(VALOR_LOG_ERROR, valor_text("act"), valor_text("its very last words"));
    _exit(3);
}
