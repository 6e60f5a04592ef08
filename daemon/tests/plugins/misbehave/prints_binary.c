/* Prints what no terminal should see: every byte, orders for terminals, a line that looks like the daemon's. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    static const char evil[] = "\033[2J\033]0;owned\007\r\xe2\x80\xaevalord error it is quarantined\xc2\x9b\n";
    for (int fd = 1; fd <= 2; fd++) {
        for (int byte = 0; byte < 256; byte++)
            if (write(fd, &(char){(char)byte}, 1) < 0) abort();
        if (write(fd, "\n", 1) < 0 || write(fd, evil, sizeof evil - 1) < 0) abort();
    }
    host->log(VALOR_LOG_ERROR, valor_text("valord\n\033[1m"), valor_text(evil));
    host->reset(exchange, VALOR_RESET_FAILED, valor_text(evil));
    host->release(exchange);
}
