/* A plugin without a loop of its own, that does what the path says. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "valor.h"

VALOR_MANIFEST("{\"manifest\":1,\"name\":\"actor\",\"version\":\"1.0.0\",\"abi\":1}")

static char config[256];

typedef struct job {
    const valor_host *host;
    valor_exchange *request; /* answered, or echoed */
    valor_exchange *fetch;   /* or NULL */
    valor_bytes held;        /* read, and not yet written */
    size_t owners;           /* how many exchanges have it as their user */
    int answered;
} job;

static job *job_new(const valor_host *host, valor_exchange *request) {
    job *j = calloc(1, sizeof *j);
    j->host = host;
    j->request = request;
    return j;
}

static void say(const valor_host *host, const char *text) { host->log(VALOR_LOG_INFO, valor_text("actor"), valor_text(text)); }

/* Copies what `from` has to the response of the request, until one of the two has to wait. */
static void relay(job *j, valor_exchange *from) {
    for (;;) {
        int end = 0, code;
        if (!j->held.len) {
            code = j->host->read(from, &j->held);
            if (code == VALOR_PENDING) return;
            end = code == VALOR_END;
            if (code == VALOR_CANCELLED) break;
        }
        code = j->host->write(j->request, end ? valor_nothing() : j->held, end ? VALOR_FLAG_END : 0);
        if (code == VALOR_PENDING) return;
        memset(&j->held, 0, sizeof j->held);
        if (end || code != VALOR_OK) break;
    }
    if (j->fetch) j->host->release(j->fetch);
    j->host->release(j->request);
}

static void head(job *j, uint32_t status, const valor_field *fields, size_t count) {
    valor_response response = {.status = status, .fields = fields, .field_count = count};
    j->host->respond(j->request, &response, valor_nothing(), 0);
    j->answered = 1;
}

static void on_event(void *user, uint32_t events) {
    job *j = user;
    if (!j->fetch) {
        if (events & VALOR_EVENT_CANCELLED) {
            valor_str why = j->host->failure(j->request);
            j->host->log(VALOR_LOG_WARN, valor_text("actor"), why);
            j->host->release(j->request);
        } else if (j->answered) {
            relay(j, j->request);
        }
        return;
    }
    if (events & VALOR_EVENT_CANCELLED) {
        char text[256];
        valor_str why = j->host->failure(j->fetch);
        snprintf(text, sizeof text, "fetch failed: %.*s", (int)why.len, (const char *)why.ptr);
        j->host->release(j->fetch);
        valor_answer(j->host, j->request, 502, "text/plain", text);
        return;
    }
    if (!j->answered) {
        valor_response response;
        if (j->host->response(j->fetch, &response) != VALOR_OK) return;
        head(j, response.status, response.fields, response.field_count);
    }
    relay(j, j->fetch);
}

static void on_release(void *user) {
    job *j = user;
    valor_release(j->held);
    if (--j->owners == 0) free(j);
}

static void *later(void *context) {
    job *j = context;
    valor_answer(j->host, j->request, 200, "text/plain", "from a thread");
    free(j);
    return NULL;
}

static void free_big(void *context) {
    job *j = context;
    say(j->host, "big is free");
    free((void *)j->held.ptr);
    free(j);
}

/* A release function that calls the shim, which is in the middle of something then. */
static void free_tangle(void *context) {
    job *j = context;
    j->host->release(j->request);
    free_big(context);
}

static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request) {
    valor_str path = request->target;
    if (valor_is(path, "/hello")) {
        valor_answer(host, exchange, 200, "text/plain", "hello");
    } else if (valor_is(path, "/config")) {
        valor_answer(host, exchange, 200, "application/json", config);
    } else if (valor_is(path, "/echo")) {
        job *j = job_new(host, exchange);
        j->owners = 1;
        head(j, 200, request->fields, request->field_count);
        if (host->set_user(exchange, j) == VALOR_OK) relay(j, exchange);
    } else if (valor_is(path, "/wait")) {
        job *j = job_new(host, exchange);
        j->owners = 1;
        host->set_user(exchange, j);
    } else if (valor_is(path, "/thread")) {
        pthread_t thread;
        job *j = job_new(host, exchange);
        int error = pthread_create(&thread, NULL, later, j);
        if (error == 0) {
            pthread_detach(thread);
        } else {
            valor_answer(host, exchange, 503, "text/plain", strerror(error));
            free(j);
        }
    } else if (valor_is(path, "/big") || valor_is(path, "/tangle")) {
        int tangle = valor_is(path, "/tangle");
        job *j = job_new(host, exchange);
        size_t len = 3000000;
        uint8_t *bytes = malloc(len);
        valor_response response = {.status = 200};
        memset(bytes, 'b', len);
        j->held.ptr = bytes;
        host->respond(exchange, &response, (valor_bytes){bytes, len, tangle ? free_tangle : free_big, j}, VALOR_FLAG_END);
        if (!tangle) host->release(exchange);
    } else if (valor_is(path, "/fetch")) {
        job *j = job_new(host, exchange);
        valor_request ask = {.method = valor_text("POST"), .target = valor_text("https://example.org/x")};
        j->owners = 1;
        host->fetch(worker, exchange, &ask, valor_copy("question", 8), VALOR_FLAG_END, j, &j->fetch);
    } else if (valor_is(path, "/drop")) {
        host->release(exchange);
    } else if (valor_is(path, "/reset")) {
        host->reset(exchange, VALOR_RESET_FAILED, valor_text("because"));
        host->release(exchange);
    } else if (valor_is(path, "/log")) {
        say(host, "a line");
        printf("a line on stdout\n");
        valor_answer(host, exchange, 204, "text/plain", "");
    } else if (valor_is(path, "/misuse")) {
        /* None of this may do more than fail. */
        valor_field upper = {valor_text("Upper"), valor_text("x")}, null = {{NULL, 5}, {NULL, 5}};
        valor_response bad = {.status = 200, .fields = &upper, .field_count = 1};
        int ok = host->respond(NULL, &bad, valor_nothing(), 0) == VALOR_INVALID;
        ok &= host->respond(exchange, NULL, valor_nothing(), 0) == VALOR_INVALID;
        ok &= host->respond(exchange, &bad, valor_copy("x", 1), VALOR_FLAG_END) == VALOR_INVALID;
        bad.fields = &null;
        ok &= host->respond(exchange, &bad, valor_nothing(), 0) == VALOR_INVALID;
        bad.field_count = 0;
        bad.status = 70000;
        ok &= host->respond(exchange, &bad, valor_nothing(), 0) == VALOR_INVALID;
        bad.status = 200;
        ok &= host->respond(exchange, &bad, valor_copy(NULL, 5), 0) == VALOR_INVALID;
        ok &= host->read(exchange, NULL) == VALOR_INVALID;
        ok &= host->failure(NULL).len == 0;
        host->release(NULL);
        host->pump(NULL, 0);
        host->flush(NULL);
        valor_answer(host, exchange, 200, "text/plain", ok ? "refused" : "accepted");
    } else if (valor_is(path, "/crash")) {
        *(volatile int *)8 = 1;
    } else if (valor_is(path, "/flood")) {
        static char line[4096];
        memset(line, 'x', sizeof line - 1);
        for (int i = 0; i < 2000; i++) say(host, line);
        valor_answer(host, exchange, 200, "text/plain", "done");
    } else {
        valor_answer(host, exchange, 404, "text/plain", "");
    }
}

static int create(const valor_host *host, valor_worker *worker, const valor_worker_args *args) {
    snprintf(config, sizeof config, "%.*s", (int)args->config.len, (const char *)args->config.ptr);
    if (!strcmp(config, "\"fail\"")) {
        host->created(worker, 1, valor_text("config says so"));
        return 1;
    }
    return strcmp(config, "\"number\"") ? 0 : 42;
}

static const valor_plugin plugin = {
    .abi = VALOR_ABI_VERSION,
    .size = sizeof plugin,
    .sdk = "c 1",
    .create = create,
    .on_request = on_request,
    .on_event = on_event,
    .on_release = on_release,
};

const valor_plugin *valor_plugin_entry(void) { return &plugin; }
