/* A plugin with a loop of its own, that says which worker answers. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "valor.h"

VALOR_MANIFEST("{\"manifest\":1,\"name\":\"own-loop\",\"version\":\"1.0.0\",\"abi\":1}")

static __thread char name[64];

static void wake(void *context) {
    char byte = 1;
    if (write(*(int *)context, &byte, 1) != 1) return;
}

static int run_worker(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    struct pollfd set[17];
    int wakes[2], closed = 0;
    size_t count = args->fd_count < 16 ? args->fd_count : 16;
    snprintf(name, sizeof name, "worker %u of %u, %zu sockets", args->index, args->count, count);
    if (valor_is(args->config, "\"early\"")) return 7;
    if (pipe(wakes)) return 1;
    host->set_wake(worker, wake, &wakes[1]);
    if (args->index == 0) host->created(worker, 0, valor_text(""));
    /* From now on every worker is a deserter. */
    if (valor_is(args->config, "\"desert\"")) return 8;
    for (size_t i = 0; i < count; i++) set[i] = (struct pollfd){args->fds[i], POLLIN, 0};
    set[count] = (struct pollfd){wakes[0], POLLIN, 0};
    while (closed < (int)count) {
        poll(set, count + 1, -1);
        for (size_t i = 0; i < count; i++) {
            int bits;
            if (set[i].fd < 0 || !set[i].revents) continue;
            bits = host->pump(worker, i);
            set[i].events = POLLIN | (bits & VALOR_PUMP_WANT_WRITE ? POLLOUT : 0);
            if (bits & VALOR_PUMP_CLOSED) {
                set[i].fd = -1;
                closed++;
            }
        }
        if (set[count].revents) {
            char byte;
            if (read(wakes[0], &byte, 1) == 1) host->flush(worker);
        }
    }
    host->set_wake(worker, NULL, NULL);
    return 0;
}

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    (void)worker;
    (void)request;
    valor_answer(host, exchange, 200, "text/plain", name);
}

static const valor_plugin plugin = {
    .abi = VALOR_ABI_VERSION,
    .size = sizeof plugin,
    .run_worker = run_worker,
    .on_request = on_request,
};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
