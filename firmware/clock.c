// Time: a timer that counts 25 million a second, and a tick for what waits.
//
// Ticks come late or not at all while the host is busy, so they only wake the
// board; how late it is, the timer says.

#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/softtimer.h"
#include "board.h"

#define CLOCK_HZ (25000000)
#define TICKS_PER_SECOND (500)

#define SYST_CSR (*(volatile uint32_t *)0xe000e010)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018)

typedef struct {
    volatile uint32_t ctrl, value, reload, intstatus;
} cmsdk_timer_t;

#define TIMER0 ((cmsdk_timer_t *)0x40000000)

static uint64_t cycles;
static uint32_t last;

void clock_start(void) {
    TIMER0->reload = 0xffffffff;
    TIMER0->value = 0xffffffff;
    TIMER0->ctrl = 1;
    last = TIMER0->value;
    SYST_RVR = CLOCK_HZ / TICKS_PER_SECOND - 1;
    SYST_CVR = 0;
    SYST_CSR = 7; // the core's clock, an interrupt, on
}

// It has to be called within each wrap of the timer, of 171 s.
uint64_t clock_us(void) {
    uint32_t state = irq_off();
    uint32_t now = TIMER0->value;
    cycles += last - now;
    last = now;
    uint64_t us = cycles / (CLOCK_HZ / 1000000);
    irq_restore(state);
    return us;
}

static volatile bool timer_due;
static uint32_t timer_at;

uint32_t soft_timer_get_ms(void) {
    return mp_hal_ticks_ms();
}

void soft_timer_schedule_at_ms(uint32_t ticks_ms) {
    timer_at = ticks_ms;
    timer_due = true;
}

void SysTick_Handler(void) {
    if (timer_due && soft_timer_ticks_diff(timer_at, mp_hal_ticks_ms()) <= 0) {
        timer_due = false;
        soft_timer_handler();
    } else {
        clock_us();
    }
}

mp_uint_t mp_hal_ticks_ms(void) {
    return clock_us() / 1000;
}

mp_uint_t mp_hal_ticks_us(void) {
    return clock_us();
}

mp_uint_t mp_hal_ticks_cpu(void) {
    clock_us();
    return cycles;
}

// There is no clock of the day: the date is the epoch's at the start.
uint64_t mp_hal_time_ns(void) {
    return clock_us() * 1000;
}

static void sleep_until_interrupt(bool input_counts) {
    uint32_t state = irq_off();
    // With interrupts off one that comes now still ends the wait.
    if (MP_STATE_VM(sched_state) != MP_SCHED_PENDING && !(input_counts && uart_waiting())) {
        __asm volatile ("wfi");
    }
    irq_restore(state);
}

void wait_for_event(void) {
    sleep_until_interrupt(true);
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = clock_us() + (uint64_t)ms * 1000;
    do {
        mp_event_handle_nowait();
        if (clock_us() >= end) {
            return;
        }
        sleep_until_interrupt(false);
    } while (true);
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = clock_us() + us;
    while (clock_us() < end) {
    }
}

unsigned long mp_random_seed_init(void) {
    return TIMER0->value;
}
