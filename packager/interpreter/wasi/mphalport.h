// What MicroPython asks of a port.

#include <errno.h>

#include "shared/runtime/interrupt_char.h"

void mp_hal_set_interrupt_char(int c);

// The numbers of WASI's errors are others than those of MicroPython, which code
// for boards compares with.
int mp_hal_errno(void);

// WASI has no signals that could interrupt a call.
#define MP_HAL_RETRY_SYSCALL(ret, syscall, raise) \
    { \
        ret = syscall; \
        if (ret == -1) { \
            int err = mp_hal_errno(); \
            raise; \
        } \
    }
