/* Answers with a body that never ends, and counts those that nobody wants any more: `/cancelled`. */
#include "act.h"

#include <stdio.h>

static const valor_host *the_host;
static int cancelled;

static void on_event(void *user, uint32_t events) {
    static const char part[32 << 10];
    if (events & VALOR_EVENT_CANCELLED) {
        cancelled++;
        the_host->release(user);
        return;
    }
    while (the_host->write(user, valor_copy(part, sizeof part), 0) == VALOR_OK) continue;
}

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    valor_response head = {200, 0, NULL, 0};
    char text[32];
    the_host = host;
    if (valor_is(request->target, "/ok")) {
        act_ok(host, worker, exchange, request);
    } else if (valor_is(request->target, "/cancelled")) {
        snprintf(text, sizeof text, "%d", cancelled);
        valor_answer(host, exchange, 200, "text/plain", text);
    } else {
        host->respond(exchange, &head, valor_nothing(), 0);
        host->set_user(exchange, exchange);
        on_event(exchange, VALOR_EVENT_WRITABLE);
    }
}

static const valor_plugin plugin = {
    .abi = VALOR_ABI_VERSION, .size = sizeof plugin, .on_request = on_request, .on_event = on_event};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
