/*
 * Broken: two listeners have the same name.
 * Host: waits for a reload, and says the name.
 */
#include <muster/muster.h>

static const muster_listener_spec first = {
    MUSTER_INIT(muster_listener_spec), .name = {"twin", 4}, .transport = MUSTER_TRANSPORT_HTTP, .port = 50021,
};
static const muster_listener_spec second = {
    MUSTER_INIT(muster_listener_spec), .name = {"twin", 4}, .transport = MUSTER_TRANSPORT_HTTP, .port = 50022,
};
static const muster_listener_spec *const twins[] = {&first, &second};

#define FIXTURE_MANIFEST .listeners = twins, .listener_count = 2,
#include "fixture.inc"
