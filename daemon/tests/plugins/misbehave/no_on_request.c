/* Answers nothing at all. */
#include "act.h"

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION, .size = sizeof plugin};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
