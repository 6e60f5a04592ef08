/* Exports nothing that valor knows. */
#include "act.h"

int something_else(void) { return 1; }
