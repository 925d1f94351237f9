// What MicroPython asks of the hardware: interrupts off and on, and how to wait.

#include <stdint.h>

static inline uint32_t irq_off(void) {
    uint32_t state;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (state) : : "memory");
    return state;
}

static inline void irq_restore(uint32_t state) {
    __asm volatile ("msr primask, %0" : : "r" (state) : "memory");
}

#define MICROPY_BEGIN_ATOMIC_SECTION() irq_off()
#define MICROPY_END_ATOMIC_SECTION(state) irq_restore(state)
#define MICROPY_PY_PENDSV_ENTER uint32_t pendsv_state = irq_off();
#define MICROPY_PY_PENDSV_EXIT irq_restore(pendsv_state);

// Sleeps until an interrupt, unless there is input or a callback to run.
void wait_for_event(void);
#define MICROPY_INTERNAL_WFE(timeout_ms) wait_for_event()

#include "shared/runtime/interrupt_char.h"
