#include "CTorch.h"

#include <dlfcn.h>
#include <stdio.h>

const ct_table *ct_loaded = 0;

int32_t ct_load(const char *path, char *message, int64_t capacity) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    snprintf(message, (size_t)capacity, "%s", reason ? reason : "the library cannot be opened");
    return -1;
  }
  ct_table_function function = (ct_table_function)dlsym(library, "ct_table_of_shim");
  if (!function) {
    snprintf(message, (size_t)capacity, "%s holds no table of functions", path);
    return -1;
  }
  const ct_table *table = function();
  if (table->version != CT_VERSION || table->size != sizeof(ct_table)) {
    snprintf(
        message, (size_t)capacity, "%s has version %u with %u bytes of functions, and version %u with %u is needed: build it anew",
        path, table->version, table->size, (unsigned)CT_VERSION, (unsigned)sizeof(ct_table));
    return -1;
  }
  ct_loaded = table;
  return 0;
}
