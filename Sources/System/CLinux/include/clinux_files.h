/* clinux_files — statfs(2), which the C library's module does not show to Swift. */
#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stdint.h>
#include <sys/vfs.h>

/* Writes the number of the file system that an open descriptor is on (linux/magic.h); -1 with errno where it fails. */
static inline int clinux_file_system_type(int descriptor, uint32_t *type) {
    struct statfs state;
    if (fstatfs(descriptor, &state) != 0) return -1;
    *type = (uint32_t)state.f_type;
    return 0;
}

#endif
