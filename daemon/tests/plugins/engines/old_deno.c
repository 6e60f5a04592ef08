/* A Deno that is too old: it greets over its standard input as ours does, and does nothing else. */
#include <unistd.h>

int main(void) {
    /* Length, kind 32, number 0, and the version. */
    static const char hello[] = "\6\0\0\0" "\x20" "\0\0\0\0" "1.46.3";
    char byte;
    if (write(0, hello, sizeof hello - 1) < 0) return 1;
    while (read(0, &byte, 1) > 0) {}
    return 0;
}
