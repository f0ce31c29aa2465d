/*
 * Broken: it exports a second symbol.
 * Host: runs it: no plugin sees another's symbols. scripts/check-plugins names the symbol.
 */
int fixture_second_symbol(void);

#include "fixture.inc"

int fixture_second_symbol(void) { return 2; }
