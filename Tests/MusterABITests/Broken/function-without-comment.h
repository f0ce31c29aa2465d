/* expect: muster_probe_entry() has no comment */
#include <muster/core.h>
MUSTER_EXPORT const muster_plugin *muster_probe_entry(void);
