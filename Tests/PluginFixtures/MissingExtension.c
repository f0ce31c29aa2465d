/*
 * Broken: it requires an extension that the host does not have.
 * Host: waits for a reload, and says which, and which there are.
 */
#include <muster/muster.h>

static const muster_string missing[] = {{"com.example.teleport/1", 22}};

#define FIXTURE_MANIFEST .required_extensions = missing, .required_extension_count = 1,
#include "fixture.inc"
