/* Makes a file of its own as long as it can: holes cost nothing. Says how far it came. */
#define ACT act
#include "act.h"
#include <fcntl.h>
#include <stdio.h>

const char *strerrorname_np(int error);

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    char text[128];
    off_t last = (1l << 30) - 1;
    int fd = open("large", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    long within = pwrite(fd, "xy", 2, last);
    long beyond = pwrite(fd, "x", 1, last + 1);
    const char *why = strerrorname_np(errno);
    int longer = ftruncate(fd, last + 2);
    snprintf(text, sizeof text, "%ld %ld %s %d %s %ld", within, beyond, why, longer, strerrorname_np(errno),
             (long)lseek(fd, 0, SEEK_END));
    valor_answer(host, exchange, 200, "text/plain", text);
}
