/* Has a table that ends too early. */
#include "act.h"

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION, .size = 8};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
