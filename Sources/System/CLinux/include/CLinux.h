/* CLinux — what Swift cannot call of Linux itself: variadics, macros, and what must run between fork and exec. */
#ifndef CLINUX_H
#define CLINUX_H

#include "clinux_events.h"
#include "clinux_files.h"
#include "clinux_landlock.h"
#include "clinux_privileges.h"
#include "clinux_seccomp.h"
#include "clinux_socket.h"
#include "clinux_spawn.h"

#endif
