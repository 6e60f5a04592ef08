/* Reads a mapped file beyond its end. */
#define ACT act
#include "act.h"
#include <fcntl.h>
#include <sys/mman.h>

static void act(const valor_host *host, valor_worker *worker, valor_exchange *exchange, const valor_request *request) {
    ACT_UNUSED;
    int fd = open("/data/short", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
    volatile char *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    _exit(at == MAP_FAILED ? 99 : at[0]);
}
