/* valor.h: the C ABI between valor-shim and a native plugin, version 1.
 *
 * The same as the Rust crate `valor-abi` (sdk/abi/src/lib.rs), which a test compares with this file.
 *
 * A plugin is a shared library that exports `valor_plugin_entry` and says what it is with VALOR_MANIFEST:
 *
 *     #include "valor.h"
 *
 *     VALOR_MANIFEST("{\"manifest\":1,\"name\":\"hello\",\"version\":\"1.0.0\",\"abi\":1}")
 *
 *     static void on_request(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
 *                            const valor_request *request) {
 *         valor_answer(host, exchange, 200, "text/plain", "hello\n");
 *     }
 *
 *     static const valor_plugin plugin = {
 *         .abi = VALOR_ABI_VERSION, .size = sizeof plugin, .sdk = "c", .on_request = on_request,
 *     };
 *
 *     VALOR_EXPORT const valor_plugin *valor_plugin_entry(void) { return &plugin; }
 *
 * and is built by `cc -shared -fPIC -o libhello.so hello.c`.
 *
 * The plugin brings the loop, the shim brings the protocol: for every worker the shim starts a thread and calls
 * `run_worker`; the plugin waits there, in whatever runtime it likes, for the worker's descriptors and calls `pump` when
 * one is ready. `pump` reads, calls `on_request` and `on_event`, and writes what was answered. A plugin that leaves
 * `run_worker` empty gets the shim's loop.
 *
 * Rules:
 *
 * - An exchange is one request with its response, or one fetch. Its functions (read, respond, write, reset, stop,
 *   release), and fetch, flush and log are legal from any thread. pump and created belong to the worker's own thread.
 * - Each exchange that the plugin is given, or makes by `fetch`, is released exactly once by `release`. Releasing a
 *   request that was not answered answers it with an error.
 * - Callbacks run on the worker's thread, from within `pump`, and may call every function but `pump`. Once
 *   `on_release` was called for a `user` pointer it is never used again.
 * - No exception and no longjmp may leave a callback. A handler that blocks blocks its worker.
 * - Pointers in arguments are valid during the call, unless said otherwise. Strings are not NUL-terminated.
 */
#ifndef VALOR_H
#define VALOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version that this header describes. */
#define VALOR_ABI_VERSION 1

/* Makes a function visible to the shim. */
#if defined(__GNUC__)
#define VALOR_EXPORT __attribute__((visibility("default"), used))
#else
#define VALOR_EXPORT
#endif

/* What the plugin is and asks for, as JSON in a string literal; read without running any code. At file scope, once:
 * VALOR_MANIFEST("{\"manifest\":1,\"name\":\"hello\",\"version\":\"1.0.0\",\"abi\":1}")
 * Optional members: "sdk" (text), "permissions" ({"net":[],"read":[],"write":[],"env":[]}), "config_schema" and "openapi"
 * (JSON). It is exported, so that no linker drops it. */
#ifdef __cplusplus
#define VALOR_MANIFEST(json)                                                                                           \
    extern "C" VALOR_EXPORT __attribute__((section("valor-manifest"))) const char VALOR_MANIFEST_JSON[sizeof(json)] = json;
#else
#define VALOR_MANIFEST(json)                                                                                           \
    VALOR_EXPORT VALOR_NONSTRING __attribute__((section("valor-manifest"))) const char                                 \
        VALOR_MANIFEST_JSON[sizeof(json) - 1] = json;
#endif

#define VALOR_NONSTRING
#ifdef __has_attribute
#if __has_attribute(nonstring)
#undef VALOR_NONSTRING
#define VALOR_NONSTRING __attribute__((nonstring))
#endif
#endif

/* Bytes that belong to somebody else. */
typedef struct valor_str {
    const uint8_t *ptr; /* the first byte; may be NULL when `len` is 0 */
    size_t len;         /* how many */
} valor_str;

/* Bytes with an owner. Whoever holds them calls `release(context)` once, from any thread. Without `release` they are
 * copied by the function that takes them, before it returns. */
typedef struct valor_bytes {
    const uint8_t *ptr;             /* the first byte; may be NULL when `len` is 0 */
    size_t len;                     /* how many */
    void (*release)(void *context); /* frees them, or NULL */
    void *context;                  /* the argument of `release` */
} valor_bytes;

/* One header field. */
typedef struct valor_field {
    valor_str name;  /* a token in lower case */
    valor_str value; /* without line breaks and control characters */
} valor_field;

/* A request head: what `on_request` is given, and what `fetch` takes. */
typedef struct valor_request {
    valor_str method;          /* for example GET */
    valor_str target;          /* path and query; for `fetch` a URL, or a path on this valord */
    const valor_field *fields; /* the header fields */
    size_t field_count;        /* how many */
    valor_str block;           /* in `on_request`: holds all values and the names that are not static; empty in `fetch` */
    uint32_t deadline_ms;      /* milliseconds left for the response head, 0 for no limit */
    uint32_t end;              /* in `on_request`: not 0 when there is no body */
} valor_request;

/* A response head: what `respond` takes, and what `response` gives. */
typedef struct valor_response {
    uint32_t status;           /* 200 to 599 */
    uint32_t end;              /* from `response`: not 0 when there is no body */
    const valor_field *fields; /* the header fields */
    size_t field_count;        /* how many */
} valor_response;

/* One request with its response, or one fetch. */
typedef struct valor_exchange valor_exchange;

/* One worker of the plugin process. */
typedef struct valor_worker valor_worker;

/* Results. */
#define VALOR_OK 0         /* done */
#define VALOR_PENDING 1    /* not now: an event will follow, once `set_user` was called */
#define VALOR_END 2        /* `read`: the body is over */
#define VALOR_CANCELLED -1 /* the exchange was cancelled: by the client, the deadline or the daemon */
#define VALOR_INVALID -2   /* an argument is invalid, for example a header name or a second head; nothing has happened */
#define VALOR_LIMIT -3     /* a limit is reached */

/* `respond`, `write`, `fetch`: nothing follows in this direction. */
#define VALOR_FLAG_END 1

/* Events. */
#define VALOR_EVENT_RESPONSE 1  /* the response head of a fetch is there: see `response` */
#define VALOR_EVENT_READABLE 2  /* `read` has something, or the end */
#define VALOR_EVENT_WRITABLE 4  /* `write` takes something */
#define VALOR_EVENT_CANCELLED 8 /* the exchange was cancelled, or a fetch failed: see `failure`; the last event */

/* Result bits of `pump` and `flush`. */
#define VALOR_PUMP_DRAINED 1    /* everything was read; wait for the descriptor to be readable */
#define VALOR_PUMP_WANT_WRITE 2 /* also wait for it to be writable */
#define VALOR_PUMP_CLOSED 4     /* `pump`: the descriptor is done with; when all are, return from `run_worker` */

/* `reset` codes. */
#define VALOR_RESET_CANCEL 1 /* no longer wanted */
#define VALOR_RESET_FAILED 3 /* the handler failed; the reason is told to nobody but the log */

/* Log levels. */
#define VALOR_LOG_TRACE 0
#define VALOR_LOG_DEBUG 1
#define VALOR_LOG_INFO 2
#define VALOR_LOG_WARN 3
#define VALOR_LOG_ERROR 4

/* What a worker is started with; valid until `run_worker` returns. */
typedef struct valor_worker_args {
    uint32_t index;   /* the worker's number; worker 0 creates the plugin */
    uint32_t count;   /* how many workers there are */
    const int *fds;   /* non-blocking descriptors to wait for; they belong to the shim */
    size_t fd_count;  /* how many */
    valor_str config; /* the plugin's configuration as JSON (`null` when there is none) */
    valor_str name;   /* the plugin's name */
} valor_worker_args;

/* What the shim does for a plugin. It lives as long as the process. Later versions only append; check `size` before you
 * call what version 1 has not. */
typedef struct valor_host {
    uint32_t abi;  /* VALOR_ABI_VERSION */
    uint32_t size; /* sizeof(valor_host) */

    /* Reads descriptor `index`, runs the callbacks, writes what they queued. Returns VALOR_PUMP_* bits. */
    int (*pump)(valor_worker *worker, size_t index);
    /* Writes what is queued on all descriptors. Returns VALOR_PUMP_* bits: with VALOR_PUMP_WANT_WRITE, wait until the
     * descriptors are writable and call again. */
    int (*flush)(valor_worker *worker);
    /* How the shim wakes the worker's loop, so that it calls `flush`: `wake(context)` is called from any thread, when
     * something was queued outside `pump`. Set it before the first request can arrive. */
    void (*set_wake)(valor_worker *worker, void (*wake)(void *context), void *context);
    /* Worker 0 says that the plugin is created (`status` 0), or that it failed with `message`. The other workers start
     * after it. */
    void (*created)(valor_worker *worker, int status, valor_str message);

    /* Gives the exchange a pointer for `on_event` and asks for events; those that are due already are delivered by the
     * next `pump` or `flush`. On failure (the exchange is over) `on_release` is not called. */
    int (*set_user)(valor_exchange *exchange, void *user);
    /* Answers a request: head and the first part of the body, or with VALOR_FLAG_END all of it. A first part longer than
     * the window is kept by the shim until it can be sent. Takes `body` unless it returns VALOR_INVALID. */
    int (*respond)(valor_exchange *exchange, const valor_response *head, valor_bytes body, uint32_t flags);
    /* The next part of the peer's body: VALOR_OK and `*out` (which the caller releases), VALOR_PENDING, VALOR_END or
     * VALOR_CANCELLED. */
    int (*read)(valor_exchange *exchange, valor_bytes *out);
    /* The next part of our body. Takes `body` on VALOR_OK and VALOR_CANCELLED; on VALOR_PENDING the window is full: keep
     * it and wait for VALOR_EVENT_WRITABLE. */
    int (*write)(valor_exchange *exchange, valor_bytes body, uint32_t flags);
    /* Aborts the exchange. `reason` is logged. */
    void (*reset)(valor_exchange *exchange, uint32_t code, valor_str reason);
    /* The rest of the peer's body is not wanted. */
    void (*stop)(valor_exchange *exchange);
    /* The plugin is done with the exchange; the pointer is dead. A request without a response is reset; a response body
     * that was not ended is aborted. */
    void (*release)(valor_exchange *exchange);

    /* Starts a request through the daemon. `parent` is the request that it is made for (its deadline holds for the fetch
     * too), or NULL. `*out` is set on VALOR_OK only. Takes `body` unless it returns VALOR_INVALID. Events go to `user`
     * from the start. */
    int (*fetch)(valor_worker *worker, valor_exchange *parent, const valor_request *head, valor_bytes body, uint32_t flags,
                 void *user, valor_exchange **out);
    /* The response head of a fetch: VALOR_OK (`*out` is valid until the release), VALOR_PENDING or VALOR_CANCELLED. */
    int (*response)(valor_exchange *exchange, valor_response *out);
    /* Why an exchange was cancelled, or a fetch failed; valid until the release, empty when it was not. */
    valor_str (*failure)(valor_exchange *exchange);

    /* Writes a line to the plugin's log. */
    void (*log)(uint32_t level, valor_str target, valor_str message);
} valor_host;

/* What a plugin does. Static; later versions only append. */
typedef struct valor_plugin {
    uint32_t abi;    /* VALOR_ABI_VERSION */
    uint32_t size;   /* sizeof(valor_plugin) */
    const char *sdk; /* the SDK and its version, NUL-terminated, or NULL */
    /* Without `run_worker`: creates the plugin, once, on worker 0. 0 is success; a failure is explained through `created`,
     * or else by the number. May be NULL. */
    int (*create)(const valor_host *host, valor_worker *worker, const valor_worker_args *args);
    /* Runs one worker until all its descriptors are closed. NULL: the shim's own loop does. */
    int (*run_worker)(const valor_host *host, valor_worker *worker, const valor_worker_args *args);
    /* A request is there. The exchange is the plugin's now. */
    void (*on_request)(const valor_host *host, valor_worker *worker, valor_exchange *exchange,
                       const valor_request *request);
    /* Something that the exchange of `user` was waiting for: VALOR_EVENT_* bits. */
    void (*on_event)(void *user, uint32_t events);
    /* The shim forgets `user`: after `release`, and never during another callback for it. */
    void (*on_release)(void *user);
} valor_plugin;

/* The one symbol that a plugin exports. */
VALOR_EXPORT const valor_plugin *valor_plugin_entry(void);

/* A string, without a copy; it must live as long as it is used. */
static inline valor_str valor_text(const char *text) {
    valor_str out;
    out.ptr = (const uint8_t *)text;
    out.len = text ? strlen(text) : 0;
    return out;
}

/* Bytes that the function they are given to copies before it returns. */
static inline valor_bytes valor_copy(const void *ptr, size_t len) {
    valor_bytes out;
    out.ptr = (const uint8_t *)ptr;
    out.len = len;
    out.release = NULL;
    out.context = NULL;
    return out;
}

/* No bytes. */
static inline valor_bytes valor_nothing(void) { return valor_copy(NULL, 0); }

/* Releases what `read` has given. */
static inline void valor_release(valor_bytes bytes) {
    if (bytes.release) bytes.release(bytes.context);
}

/* Whether `text` is the NUL-terminated `other`. */
static inline int valor_is(valor_str text, const char *other) {
    size_t len = strlen(other);
    return text.len == len && (len == 0 || memcmp(text.ptr, other, len) == 0);
}

/* Answers a request with a whole text and releases the exchange. */
static inline int valor_answer(const valor_host *host, valor_exchange *exchange, uint32_t status, const char *content_type,
                               const char *body) {
    valor_field field;
    valor_response head;
    int result;
    field.name = valor_text("content-type");
    field.value = valor_text(content_type);
    head.status = status;
    head.end = 0;
    head.fields = &field;
    head.field_count = 1;
    result = host->respond(exchange, &head, valor_copy(body, strlen(body)), VALOR_FLAG_END);
    host->release(exchange);
    return result;
}

#ifdef __cplusplus
}
#endif

#endif /* VALOR_H */
