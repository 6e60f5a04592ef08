/* Says what it is told to. `POST /script` keeps the body; then, past the shim,
 *   /data      writes it to the data socket, once, and answers nothing
 *   /control   writes it to the control socket, once, and answers nothing
 *   /flood     writes it to the data socket for ever
 *   /echo-raw  writes it to the data socket, reads what comes, and so on for ever: one byte at a time
 *   /never     answers nothing */
#include "act.h"

#define MOST (4 << 20)

static const int *fds;
static uint8_t script[MOST];
static size_t script_len;
static const valor_host *the_host;

static void push(int fd, const uint8_t *bytes, size_t len) {
    while (len > 0) {
        struct pollfd writable = {fd, POLLOUT, 0};
        ssize_t n = write(fd, bytes, len);
        if (n > 0)
            bytes += n, len -= (size_t)n;
        else if (errno != EAGAIN || poll(&writable, 1, -1) < 0)
            return;
    }
}

static void echo_raw(int fd) {
    struct pollfd readable = {fd, POLLIN, 0};
    uint8_t byte;
    for (;;) {
        push(fd, script, script_len);
        if (poll(&readable, 1, -1) < 0 || read(fd, &byte, 1) == 0) _exit(1);
    }
}

static void on_event(void *user, uint32_t events) {
    valor_exchange *exchange = user;
    valor_bytes part;
    int result;
    (void)events;
    while ((result = the_host->read(exchange, &part)) == VALOR_OK) {
        if (script_len + part.len <= MOST) {
            memcpy(script + script_len, part.ptr, part.len);
            script_len += part.len;
        }
        valor_release(part);
    }
    if (result == VALOR_END) valor_answer(the_host, exchange, 200, "text/plain", "kept\n");
}

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    (void)worker;
    if (valor_is(request->target, "/ok")) {
        valor_answer(host, exchange, 200, "text/plain", "ok\n");
    } else if (valor_is(request->target, "/script")) {
        script_len = 0;
        host->set_user(exchange, exchange);
    } else if (valor_is(request->target, "/data")) {
        push(fds[0], script, script_len);
    } else if (valor_is(request->target, "/control")) {
        push(ACT_CONTROL, script, script_len);
    } else if (valor_is(request->target, "/flood")) {
        for (;;) push(fds[0], script, script_len);
    } else if (valor_is(request->target, "/echo-raw")) {
        echo_raw(fds[0]);
    }
}

static int create(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    (void)worker;
    the_host = host;
    fds = args->fds;
    return 0;
}

static const valor_plugin plugin = {.abi = VALOR_ABI_VERSION,
                                    .size = sizeof plugin,
                                    .sdk = "c",
                                    .create = create,
                                    .on_request = on_request,
                                    .on_event = on_event};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
