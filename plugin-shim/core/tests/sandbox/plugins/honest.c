// What a plugin in C does: cancels a thread, looks for a name, waits for descriptors. Returns what did not work, or null.

#define _GNU_SOURCE
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

static int cleaned;

static void clean(void *unused) {
    (void)unused;
    cleaned++;
}

static void *endless(void *ready) {
    pthread_cleanup_push(clean, NULL);
    pthread_barrier_wait(ready);
    for (;;)
        sleep(1000);
    pthread_cleanup_pop(0);
    return NULL;
}

// Unwinds the stack of the thread, for which glibc loads libgcc_s: there is none to be found any more.
static const char *cancels(void) {
    pthread_t thread;
    pthread_barrier_t ready;
    void *result = NULL;
    int before = cleaned;
    pthread_barrier_init(&ready, NULL, 2);
    if (pthread_create(&thread, NULL, endless, &ready)) return "pthread_create";
    pthread_barrier_wait(&ready);
    if (pthread_cancel(thread)) return "pthread_cancel";
    if (pthread_join(thread, &result)) return "pthread_join";
    if (result != PTHREAD_CANCELED) return "the thread was not cancelled";
    return cleaned == before + 1 ? NULL : "the cleanup did not run";
}

static const char *resolves(void) {
    struct addrinfo *found = NULL;
    struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
    int code = getaddrinfo("valor.invalid", "http", NULL, &found);
    if (code == 0) return "a name was found without a network";
    if (!*gai_strerror(code)) return "no reason why a name was not found";
    if (getaddrinfo("127.0.0.1", "80", &numeric, &found)) return "a number was not understood";
    freeaddrinfo(found);
    return NULL;
}

static const char *waits(void) {
    int ends[2];
    char byte;
    if (pipe(ends)) return "pipe";
    if (write(ends[1], "x", 1) != 1) return "write";
    struct pollfd polled = {.fd = ends[0], .events = POLLIN};
    struct timespec second = {.tv_sec = 1};
    if (poll(&polled, 1, 1000) != 1) return "poll";
    if (ppoll(&polled, 1, &second, NULL) != 1) return "ppoll";
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval time = {.tv_sec = 1};
    if (select(ends[0] + 1, &set, NULL, NULL, &time) != 1) return "select";
    if (dup2(ends[0], ends[1]) != ends[1]) return "dup2";
    if (read(ends[1], &byte, 1) != 1) return "read";
    close(ends[0]);
    close(ends[1]);
    return NULL;
}

static const char *writes(void) {
    char name[] = "honest-XXXXXX", text[6] = "";
    int fd = mkstemp(name);
    if (fd < 0) return "mkstemp";
    FILE *file = fdopen(fd, "w+");
    if (fprintf(file, "%s", "hello") != 5 || fseek(file, 0, SEEK_SET)) return "fprintf";
    if (!fgets(text, sizeof text, file) || strcmp(text, "hello")) return "fgets";
    if (posix_fallocate(fd, 0, 4096)) return "posix_fallocate";
    fclose(file);
    if (access(name, R_OK)) return "access";
    return remove(name) ? "remove" : NULL;
}

static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static const char *sorts(void) {
    // Large enough for a buffer on the heap, about which glibc asks how much memory there is.
    enum { COUNT = 100000 };
    int *numbers = malloc(COUNT * sizeof *numbers);
    struct rusage usage;
    for (int i = 0; i < COUNT; i++)
        numbers[i] = COUNT - i;
    qsort(numbers, COUNT, sizeof *numbers, compare);
    int first = numbers[0];
    free(numbers);
    if (getrusage(RUSAGE_SELF, &usage)) return "getrusage";
    return first == 1 ? NULL : "qsort";
}

static volatile sig_atomic_t handled;

static void handle(int number) {
    handled = number;
}

static const char *signals(void) {
    struct sigaction action = {.sa_handler = handle};
    handled = 0;
    sigaction(SIGUSR1, &action, NULL);
    if (raise(SIGUSR1) || handled != SIGUSR1) return "raise";
    handled = 0;
    if (kill(getpid(), SIGUSR1) || handled != SIGUSR1) return "kill of itself";
    return signal(SIGUSR1, SIG_DFL) == SIG_ERR ? "signal" : NULL;
}

static const char *asks(void) {
    if (sysconf(_SC_OPEN_MAX) <= 0) return "sysconf";
    return NULL;
}

const char *honest(void) {
    const char *(*works[])(void) = {cancels, resolves, waits, writes, sorts, signals, asks};
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        const char *failure = works[i]();
        if (failure) return failure;
    }
    return NULL;
}
