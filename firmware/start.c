// From reset to main: vectors, memory, settings, and what a fault says.

#include <string.h>

#include "py/mphal.h"
#include "board.h"

extern uint32_t _estack, _sidata, _sdata, _edata, _sbss, _ebss;

int main(void);
void SysTick_Handler(void);
void UART0_RX_Handler(void);

settings_t settings;

static const settings_t defaults = {
    .heap = 128 << 10,
    .ring = 512,
    .segment = SEGMENT_MEMORYVIEW,
    .size = 1 << 20,
    .cells = CELLS_NOR,
    .erase = 4096,
    .write = 4,
    .block = 8192,
    .reported = 4,
    .op6 = 1,
};

static void Reset_Handler(void) {
    memcpy(&_sdata, &_sidata, (char *)&_edata - (char *)&_sdata);
    memset(&_sbss, 0, (char *)&_ebss - (char *)&_sbss);
    settings = SETTINGS->magic == MAGIC ? *SETTINGS : defaults;
    main();
    board_reset();
}

#define SCB_AIRCR (*(volatile uint32_t *)0xe000ed0c)

void board_reset(void) {
    SCB_AIRCR = 0x05fa0004; // SYSRESETREQ
    for (;;) {
    }
}

// A fault ends in silence on most boards; here it says so first.
static void Fault_Handler(void) {
    irq_off();
    uint32_t kind;
    __asm volatile ("mrs %0, ipsr" : "=r" (kind));
    char text[] = "\r\nfault 0\r\n";
    text[8] += kind & 7;
    mp_hal_stdout_tx_strn(text, sizeof(text) - 1);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[16 + 1] = {
    &_estack,
    Reset_Handler,
    Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
    0, 0, 0, 0,
    Fault_Handler, Fault_Handler, 0, Fault_Handler,
    SysTick_Handler,
    UART0_RX_Handler, // interrupt 0
};
