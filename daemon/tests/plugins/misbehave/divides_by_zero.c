/* Divides by zero, which is a fault where the processor says so. */
#define ACT act
#include "act.h"

#include <signal.h>

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    volatile int one = 1, zero = 0;
    volatile int result = one / zero;
    (void)result;
    raise(SIGFPE);
}
