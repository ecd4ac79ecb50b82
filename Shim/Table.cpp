// The table of the shim's functions, in the order of the one list in CTorch.h.
#include "Shim.h"

#define CT_ENTRY(RESULT, NAME, PARAMETERS, ARGUMENTS) NAME,
static const ct_table table = {CT_VERSION, sizeof(ct_table), CT_FUNCTIONS(CT_ENTRY)};

extern "C" __attribute__((visibility("default"))) const ct_table *ct_table_of_shim(void) { return &table; }
