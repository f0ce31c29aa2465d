#define _GNU_SOURCE
#include "clinux_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Aligned as a control message must be. */
typedef union control_buffer {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(CLINUX_DESCRIPTORS_MAX * sizeof(int))];
} control_buffer;

ssize_t clinux_send(int socket, const void *bytes, size_t length, const int *descriptors, size_t descriptor_count) {
    if (length == 0 || descriptor_count > CLINUX_DESCRIPTORS_MAX) return -EINVAL;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    control_buffer control;
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, descriptor_count * sizeof(int));
    }
    for (;;) {
        ssize_t sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) return sent;
        if (errno != EINTR) return -errno;
    }
}

/* Takes the descriptors out of a received message; those beyond the room are closed, and so is everything then. */
static int take_descriptors(struct msghdr *message, int *descriptors, size_t *count) {
    int complete = (message->msg_flags & MSG_CTRUNC) == 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t arrived = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < arrived; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (*count < CLINUX_DESCRIPTORS_MAX) {
                descriptors[(*count)++] = descriptor;
            } else {
                close(descriptor);
                complete = 0;
            }
        }
    }
    if (complete) return 1;
    for (size_t index = 0; index < *count; index++) close(descriptors[index]);
    *count = 0;
    return 0;
}

ssize_t clinux_receive(int socket, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count) {
    *descriptor_count = 0;
    if (capacity == 0) return -EINVAL;
    for (;;) {
        struct iovec part = {.iov_base = bytes, .iov_len = capacity};
        control_buffer control;
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (received < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        if (!take_descriptors(&message, descriptors, descriptor_count)) return -EMSGSIZE;
        return received;
    }
}

int clinux_duplicate(int descriptor) {
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    return copy >= 0 ? copy : -errno;
}
