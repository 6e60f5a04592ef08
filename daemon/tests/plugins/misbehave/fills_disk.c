/* Writes a file of its own for as long as it can, and says why it ended. */
#define ACT act
#include "act.h"

#include <fcntl.h>
#include <stdio.h>

const char *strerrorname_np(int error);

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    static char part[64 << 10];
    char text[64];
    long bytes = 0;
    ssize_t n;
    int fd = open("large", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while (fd >= 0 && (n = write(fd, part, sizeof part)) > 0) bytes += n;
    snprintf(text, sizeof text, "%ld %s", bytes, strerrorname_np(errno));
    valor_answer(host, exchange, 200, "text/plain", text);
}
