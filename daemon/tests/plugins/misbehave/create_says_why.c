/* Ends the process while it is created, with last words. */
#include "act.h"

#include <stdio.h>

static int create(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    (void)host, (void)worker, (void)args;
    fprintf(stderr, "the database is gone\n");
    _exit(3);
}

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION, .size = sizeof plugin, .create = create,
                                    .on_request = act_ok};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
