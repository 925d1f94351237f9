// The REPL's line: UART 0, whose receiver interrupts and has a ring of a finite
// size. When that is full, input is lost, or the line is held back.

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "board.h"

typedef struct {
    volatile uint32_t data, state, ctrl, intstatus, bauddiv;
} cmsdk_uart_t;

#define UART0 ((cmsdk_uart_t *)0x40004000)

#define STATE_TXFULL (1 << 0)
#define STATE_RXFULL (1 << 1)
#define CTRL_TX_EN (1 << 0)
#define CTRL_RX_EN (1 << 1)
#define CTRL_RX_INT (1 << 3)
#define INT_RX (1 << 1)

#define NVIC_ISER0 (*(volatile uint32_t *)0xe000e100)

#define RING_MAX (65536)

static uint8_t ring[RING_MAX];
static volatile uint32_t head, count;

void uart_start(void) {
    if (settings.ring == 0 || settings.ring > RING_MAX) {
        settings.ring = 512;
    }
    UART0->bauddiv = 16;
    UART0->ctrl = CTRL_TX_EN | CTRL_RX_EN | CTRL_RX_INT;
    NVIC_ISER0 = 1;
}

// take moves input from the receiver to the ring; interrupts are off.
static void take(void) {
    UART0->intstatus = INT_RX;
    while (UART0->state & STATE_RXFULL) {
        if (count == settings.ring && !settings.drops) {
            UART0->ctrl = CTRL_TX_EN | CTRL_RX_EN; // the sender waits
            return;
        }
        int c = UART0->data & 0xff;
        counters.received++;
        if (c == mp_interrupt_char && !settings.deaf_to_c) {
            mp_sched_keyboard_interrupt();
        } else if (count == settings.ring) {
            counters.lost++;
        } else {
            ring[(head + count) % settings.ring] = c;
            count++;
        }
    }
    UART0->ctrl = CTRL_TX_EN | CTRL_RX_EN | CTRL_RX_INT;
}

void UART0_RX_Handler(void) {
    take();
}

bool uart_waiting(void) {
    return count > 0;
}

// QEMU holds back what no interrupt fetches; on a real line it is lost.
void uart_unheard(void) {
    while (UART0->state & STATE_RXFULL) {
        (void)UART0->data;
        counters.unheard++;
    }
}

static int get(void) {
    uint32_t state = irq_off();
    int c = -1;
    if (count > 0) {
        c = ring[head];
        head = (head + 1) % settings.ring;
        count--;
        take(); // there is room for what was held back
    }
    irq_restore(state);
    return c;
}

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        int c = get();
        if (c >= 0) {
            return c;
        }
        mp_event_wait_indefinite();
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = flags & MP_STREAM_POLL_WR;
    if (uart_waiting()) {
        ready |= flags & MP_STREAM_POLL_RD;
    }
    return ready;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    for (size_t i = 0; i < len; i++) {
        while (UART0->state & STATE_TXFULL) {
        }
        UART0->data = (uint8_t)str[i];
    }
    return len;
}
