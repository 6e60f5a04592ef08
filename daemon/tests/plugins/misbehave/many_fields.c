/* Answers with more header fields than anybody takes: 100 000, or by `/large` one of 16 MiB. */
#define ACT act
#include "act.h"

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    enum { MANY = 100000, LARGE = 16 << 20 };
    static valor_field fields[MANY];
    static char large[LARGE];
    int one = valor_is(request->target, "/large");
    (void)worker;
    memset(large, 'x', LARGE);
    for (int i = 0; i < MANY; i++) fields[i] = (valor_field){valor_text("x-a"), {(uint8_t *)large, one ? LARGE : 1}};
    valor_response head = {200, 0, fields, one ? 1 : MANY};
    if (host->respond(exchange, &head, valor_nothing(), VALOR_FLAG_END) == VALOR_INVALID)
        host->reset(exchange, VALOR_RESET_FAILED, valor_text("the shim refused the head"));
    host->release(exchange);
}
