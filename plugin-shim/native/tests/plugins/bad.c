/* Plugins that cannot be loaded; which one is chosen by a macro. */
#include "valor.h"

#ifdef UNDEFINED
void nobody_has_this(void);
__attribute__((constructor)) static void use(void) { nobody_has_this(); }
#endif

__attribute__((unused)) static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                                               const valor_request *request) {
    (void)worker;
    (void)request;
    host->release(exchange);
}

static const valor_plugin plugin = {
#ifdef NEWER
    .abi = VALOR_ABI_VERSION + 1,
#else
    .abi = VALOR_ABI_VERSION,
#endif
#ifdef SHORT
    .size = 8,
#else
    .size = sizeof plugin,
#endif
#ifndef EMPTY
    .on_request = on_request,
#endif
};

#ifdef MISNAMED
VALOR_EXPORT const void *another_entry(void) { return &plugin; }
#else
const valor_plugin *valor_plugin_entry(void) {
#ifdef NOTHING
    (void)&plugin;
    return NULL;
#else
    return &plugin;
#endif
}
#endif
