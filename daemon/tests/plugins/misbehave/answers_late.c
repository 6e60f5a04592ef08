/* Answers when the daemon has given up, and tells by `/verdict` what it got for it. */
#include "act.h"

static const valor_host *the_host;
static int verdict = 99;

static void on_event(void *user, uint32_t events) {
    valor_field field = {valor_text("x-late"), valor_text("yes")};
    valor_response head = {200, 0, &field, 1};
    if (!(events & VALOR_EVENT_CANCELLED)) return;
    verdict = the_host->respond(user, &head, valor_copy("late\n", 5), VALOR_FLAG_END);
    the_host->release(user);
}

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    the_host = host;
    if (valor_is(request->target, "/verdict"))
        valor_answer(host, exchange, 200, "text/plain", verdict == VALOR_CANCELLED ? "cancelled\n" : "not yet\n");
    else if (valor_is(request->target, "/ok"))
        act_ok(host, worker, exchange, request);
    else
        host->set_user(exchange, exchange);
}

static const valor_plugin plugin = {
    .abi = VALOR_ABI_VERSION, .size = sizeof plugin, .on_request = on_request, .on_event = on_event};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
