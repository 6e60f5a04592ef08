/* Has an entry, and no plugin. */
#include "act.h"

const valor_plugin *valor_plugin_entry(void) { return NULL; }
