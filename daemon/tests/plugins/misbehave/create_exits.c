/* Exits while it is created. */
#include "act.h"

static int create(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    (void)host, (void)worker, (void)args;
    _exit(0);
}

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION, .size = sizeof plugin, .create = create,
                                    .on_request = act_ok};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
