/* Tries to pass a descriptor on each of its sockets, and says what it got for it. */
#define ACT act
#include "act.h"
#include <stdio.h>
#include <sys/socket.h>

const char *strerrorname_np(int error);

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    char text[256] = "";
    for (int fd = ACT_CONTROL; fd <= all_fds[all_fd_count - 1]; fd++) {
        char space[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
        struct iovec part = {&byte, 1};
        struct msghdr message = {0};
        struct cmsghdr *rights = (struct cmsghdr *)space;
        int passed = 2;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = space;
        message.msg_controllen = sizeof space;
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(rights), &passed, sizeof passed);
        long result = sendmsg(fd, &message, 0);
        snprintf(text + strlen(text), 32, "%ld %s ", result, result < 0 ? strerrorname_np(errno) : "");
    }
    valor_answer(host, exchange, 200, "text/plain", text);
}
