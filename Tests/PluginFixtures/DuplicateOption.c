/*
 * Broken: two options have the same name.
 * Host: waits for a reload, and says the name.
 */
#include <muster/muster.h>

static const muster_option twin = {
    MUSTER_INIT(muster_option), .name = {"twin", 4}, .type = MUSTER_TYPE_BOOL, .help = {"One of two.", 11},
};
static const muster_option *const twins[] = {&twin, &twin};

#define FIXTURE_MANIFEST .options = twins, .option_count = 2,
#include "fixture.inc"
