/* Makes a system call of another architecture, which kills. */
#define ACT act
#include "act.h"
#include <signal.h>

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
#if defined __x86_64__
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    _exit(result & 0x7f);
#else
    raise(SIGSYS);
#endif
}
