/* Writes a file in /tmp for as long as it can, then as many empty ones as it can; says how far it came. */
#define ACT act
#include "act.h"
#include <fcntl.h>
#include <stdio.h>

const char *strerrorname_np(int error);

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    static char part[64 << 10];
    char text[128], name[32];
    const char *full, *crowded;
    long bytes = 0, files = 0;
    ssize_t n;
    int fd = open("/tmp/large", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while (fd >= 0 && (n = write(fd, part, sizeof part)) > 0) bytes += n;
    full = strerrorname_np(errno);
    for (;; files++) {
        snprintf(name, sizeof name, "/tmp/%ld", files);
        int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (file < 0) break;
        close(file);
    }
    crowded = strerrorname_np(errno);
    snprintf(text, sizeof text, "%ld %s %s", bytes, full, files < 70000 ? crowded : "no end");
    valor_answer(host, exchange, 200, "text/plain", text);
}
