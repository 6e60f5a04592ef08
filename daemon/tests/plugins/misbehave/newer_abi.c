/* Speaks an ABI of the future only. */
#include "act.h"

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION + 1, .size = sizeof plugin};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
