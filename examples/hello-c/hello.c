/* The smallest plugin in C: a C compiler is all that it needs. */
#include "valor.h"

VALOR_MANIFEST("{\"manifest\":1,\"name\":\"hello-c\",\"version\":\"0.1.0\",\"abi\":1,\"sdk\":\"c\","
               "\"permissions\":{\"net\":[],\"read\":[],\"write\":[],\"env\":[]}}")

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    (void)worker;
    if (valor_is(request->method, "GET") || valor_is(request->method, "HEAD"))
        valor_answer(host, exchange, 200, "text/plain; charset=utf-8", "OK response from a plugin in C\n");
    else
        valor_answer(host, exchange, 405, "text/plain; charset=utf-8", "GET only\n");
}

static const valor_plugin plugin = {
    .abi = VALOR_ABI_VERSION,
    .size = sizeof plugin,
    .sdk = "c",
    .on_request = on_request,
};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
