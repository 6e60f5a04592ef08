/* Says that it is ready while it is still being created, which never ends. */
#include "forge.h"

static int create(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    (void)host, (void)worker, (void)args;
    forge_message(FORGE_CONTROL, FORGE_READY);
    for (;;) pause();
    return 0;
}

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION, .size = sizeof plugin, .create = create,
                                    .on_request = act_ok};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
