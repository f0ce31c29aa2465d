/*
 * Broken: an option's table is cut off: its struct_size is smaller than that of ABI 1.0.
 * Host: waits for a reload, and says which of the options.
 */
#include <muster/muster.h>

static const muster_option truncated = {
    .struct_size = 24, .abi_major = 1, .name = {"short", 5}, .type = MUSTER_TYPE_BOOL,
};
static const muster_option *const truncated_options[] = {&truncated};

#define FIXTURE_MANIFEST .options = truncated_options, .option_count = 1,
#include "fixture.inc"
