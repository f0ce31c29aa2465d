/* libFuzzer as a library: the fuzz target's own main calls it. */
#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

/* Runs `target` on inputs until the options in the arguments say stop; returns the exit status. */
int LLVMFuzzerRunDriver(int *argument_count, char ***arguments, int (*target)(const uint8_t *data, size_t size));

#endif
