/* For acts that pretend to be the shim: frames written to a descriptor of their choice. */
#include "act.h"

/* The socket that valord gives every shim for its messages; the data sockets follow it. */
#define FORGE_CONTROL 3
#define FORGE_MESSAGE 16
#define FORGE_PING 6
#define FORGE_PONG 7

#define FORGE_REPORT                                                                                                 \
    "{\"type\":\"report\",\"layers\":[{\"layer\":\"no-new-privs\",\"status\":\"full\"},"                              \
    "{\"layer\":\"seccomp\",\"status\":\"full\"},{\"layer\":\"seal\",\"status\":\"full\"}]}"
#define FORGE_READY "{\"type\":\"ready\",\"abi\":1,\"sdk\":\"forged\"}"

static inline void forge_frame(int fd, uint8_t type, const void *payload, uint32_t len) {
    uint8_t frame[16 + 1024] = {0};
    for (int i = 0; i < 4; i++) frame[i] = (uint8_t)(len >> (8 * i));
    frame[4] = type;
    memcpy(frame + 16, payload, len);
    (void)!write(fd, frame, 16 + len);
}

static inline void forge_message(int fd, const char *json) {
    forge_frame(fd, FORGE_MESSAGE, json, (uint32_t)strlen(json));
}
