/*
 * Broken: a text of the manifest is not UTF-8.
 * Host: waits for a reload, and says which text.
 */
#define FIXTURE_MANIFEST .summary = {"\xC3\x28", 2},
#include "fixture.inc"
