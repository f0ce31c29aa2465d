/*
 * Broken: it finds the host's own listening sockets among its descriptors, and shuts them down.
 * Host: lets them listen again, notices that nobody accepts, and replaces it.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) shut_all();

static void shut_all(void);

#include "fixture.inc"
#include <sys/socket.h>

static void shut_all(void) {
    for (int number = 3; number < 1024; number++) {
        int listens = 0;
        socklen_t length = sizeof listens;
        if (getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens) shutdown(number, SHUT_RDWR);
    }
}
