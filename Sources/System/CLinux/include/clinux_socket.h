/* Local stream sockets with descriptors in their luggage (unix(7), cmsg(3)). */
#ifndef CLINUX_SOCKET_H
#define CLINUX_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The most descriptors one sendmsg may carry: the kernel's SCM_MAX_FD. */
#define CLINUX_DESCRIPTORS_MAX 253

/*
 * Sends without blocking and without SIGPIPE. The descriptors travel with the first byte sent; where fewer bytes than
 * `length` went out, they have left all the same.
 * Returns the bytes sent, at least 1, or a negative errno (-EAGAIN: the socket is full, nothing was sent).
 */
ssize_t clinux_send(int socket, const void *bytes, size_t length, const int *descriptors, size_t descriptor_count);

/*
 * Receives without blocking. Descriptors arrive close-on-exec in `descriptors`, which has
 * room for CLINUX_DESCRIPTORS_MAX, and are the caller's from then on. Where the kernel had to cut the control data,
 * all that arrived are closed and -EMSGSIZE is returned.
 * Returns the bytes received, 0 at the end of the stream, or a negative errno.
 */
ssize_t clinux_receive(int socket, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count);

/* A close-on-exec duplicate of a descriptor, or a negative errno. */
int clinux_duplicate(int descriptor);

#endif
