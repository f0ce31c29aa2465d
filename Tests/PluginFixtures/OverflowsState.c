/*
 * Broken: release writes more state than the host keeps.
 * Host: keeps 8 MiB, answers MUSTER_BUSY to the rest, and hands what it has kept to the next generation.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) return (void)respond(exchange, length_of_state());
#define FIXTURE_COMPONENT .release = overflow,

#include <muster/muster.h>

static muster_string length_of_state(void);
static muster_status overflow(void *context, const muster_sink *sink, muster_error *error);

#include "fixture.inc"

static muster_string length_of_state(void) {
    static char digits[32];
    return (muster_string){digits, (size_t)snprintf(digits, sizeof digits, "%zu", state_length)};
}

static muster_status overflow(void *context, const muster_sink *sink, muster_error *error) {
    static const uint8_t mebibyte[1 << 20];
    (void)context, (void)error;
    for (int i = 0; i < 8; i++)
        if (sink->write(sink->context, (muster_bytes){mebibyte, sizeof mebibyte}) != MUSTER_OK)
            complain("the state was cut short");
    if (sink->write(sink->context, (muster_bytes){mebibyte, 1}) != MUSTER_BUSY) complain("too much state was taken");
    if (sink->write(sink->context, (muster_bytes){mebibyte, SIZE_MAX}) != MUSTER_BUSY) complain("endless state was taken");
    return MUSTER_OK;
}
