/*
 * Broken: it binds its port a second time, to take the host's connections.
 * Host: holds the port alone: the system refuses the second socket.
 */
#define FIXTURE_REQUEST if (target.length > 7 && memcmp(target.data, "/break/", 7) == 0) return bind_again(exchange, target);

#include <muster/muster.h>

static void bind_again(muster_exchange exchange, muster_string target);

#include "fixture.inc"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int try_to_bind(in_addr_t address, uint16_t port) {
    int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(number, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int failed = bind(number, (struct sockaddr *)&target, sizeof target) != 0 || listen(number, 16) != 0;
    int reason = failed ? errno : 0;
    close(number);
    return reason;
}

/* GET /break/<port> */
static void bind_again(muster_exchange exchange, muster_string target) {
    char digits[8] = {0};
    memcpy(digits, target.data + 7, target.length - 7 < 7 ? target.length - 7 : 7);
    uint16_t port = (uint16_t)atoi(digits);
    int refused = try_to_bind(INADDR_LOOPBACK, port) == EADDRINUSE && try_to_bind(INADDR_ANY, port) == EADDRINUSE;
    respond(exchange, refused ? MUSTER_STRING("in use") : MUSTER_STRING("taken"));
}
