/* Asks for what it has no grant for, again and again, and says how often it was turned down. */
#include "act.h"

#include <stdio.h>

static const valor_host *the_host;
static int refused;

static void on_event(void *user, uint32_t events) {
    valor_exchange **fetch = user;
    if (!(events & VALOR_EVENT_CANCELLED)) return;
    refused++;
    the_host->release(*fetch);
    free(fetch);
}

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    valor_request head = {valor_text("GET"), valor_text("http://192.0.2.1/"), NULL, 0, {NULL, 0}, 0, 0};
    char text[32];
    the_host = host;
    if (valor_is(request->target, "/ok")) {
        act_ok(host, worker, exchange, request);
        return;
    }
    for (int i = 0; i < 200; i++) {
        valor_exchange **fetch = malloc(sizeof *fetch);
        if (host->fetch(worker, NULL, &head, valor_nothing(), VALOR_FLAG_END, fetch, fetch) != VALOR_OK) break;
    }
    snprintf(text, sizeof text, "%d", refused);
    valor_answer(host, exchange, 200, "text/plain", text);
}

static const valor_plugin plugin = {
    .abi = VALOR_ABI_VERSION, .size = sizeof plugin, .on_request = on_request, .on_event = on_event};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
