/* Has a manifest that is no JSON. */
#include "valor.h"

VALOR_MANIFEST("{\"manifest\":1,\"name\":")

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    (void)worker, (void)request;
    valor_answer(host, exchange, 200, "text/plain", "alive\n");
}

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION, .size = sizeof plugin, .on_request = on_request};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
