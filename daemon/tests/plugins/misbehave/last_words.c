/* Says why, and leaves. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    static const char words[] = "one\ntwo\nthe database is gone\n";
    if (write(2, words, sizeof words - 1) < 0) abort();
    _exit(3);
}
