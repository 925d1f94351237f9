// Time, randomness, standard input and output.

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"

int mp_hal_errno(void) {
    switch (errno) {
        case ENOENT:
        case ENOTCAPABLE: // outside of what the host shows
            return MP_ENOENT;
        case EPERM:
            return MP_EPERM;
        case EACCES:
            return MP_EACCES;
        case EBADF:
            return MP_EBADF;
        case EEXIST:
            return MP_EEXIST;
        case ENOTDIR:
            return MP_ENOTDIR;
        case EISDIR:
            return MP_EISDIR;
        case EINVAL:
            return MP_EINVAL;
        case EROFS:
            return MP_EROFS;
    }
    return MP_EIO;
}

static uint64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return now_ns(CLOCK_MONOTONIC) / 1000000;
}

mp_uint_t mp_hal_ticks_us(void) {
    return now_ns(CLOCK_MONOTONIC) / 1000;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return now_ns(CLOCK_MONOTONIC);
}

uint64_t mp_hal_time_ns(void) {
    return now_ns(CLOCK_REALTIME);
}

void mp_hal_delay_us(mp_uint_t us) {
    usleep(us);
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000ull;
    do {
        mp_event_handle_nowait();
        uint64_t now = now_ns(CLOCK_MONOTONIC);
        if (now >= end) {
            return;
        }
        usleep(MIN((end - now) / 1000, 10000));
    } while (true);
}

uint32_t mp_random_seed_init(void) {
    uint32_t seed;
    return getentropy(&seed, sizeof(seed)) == 0 ? seed : 0;
}

int mp_hal_stdin_rx_chr(void) {
    unsigned char c;
    return read(STDIN_FILENO, &c, 1) == 1 ? c : 4; // the end is Ctrl-D
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    ssize_t n = write(STDOUT_FILENO, str, len);
    return n < 0 ? 0 : n;
}

// Lines end as they are: there is no terminal at the other end.
void mp_hal_stdout_tx_strn_cooked(const char *str, size_t len) {
    mp_hal_stdout_tx_strn(str, len);
}

void mp_hal_stdout_tx_str(const char *str) {
    mp_hal_stdout_tx_strn(str, strlen(str));
}
