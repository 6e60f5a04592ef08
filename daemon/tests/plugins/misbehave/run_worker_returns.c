/* Leaves its loop at once. */
#include "act.h"

static int run_worker(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    if (args->index == 0) host->created(worker, 0, valor_text(""));
    return 0;
}

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    (void)worker, (void)request;
    host->release(exchange);
}

static const valor_plugin plugin = {
    .abi = VALOR_ABI_VERSION, .size = sizeof plugin, .run_worker = run_worker, .on_request = on_request};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
