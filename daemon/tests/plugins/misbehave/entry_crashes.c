/* Crashes in its entry. */
#include "act.h"

const valor_plugin *valor_plugin_entry(void) {
    abort();
}
