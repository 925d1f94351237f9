// The partition's cells: what an erase and a program do to them, how long it
// takes, and what they look like while it is done, which is what a power cut
// leaves.

#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "board.h"

#define PAGE (256u)
#define BLOCK_MAX (65536u)

void cells_start(bool fresh) {
    if (fresh && !settings.loaded) {
        memset(PARTITION, 0xff, settings.size);
        memset(PROGRAMMED, 0, PARTITION_MAX / 8 / 8);
    }
}

// pass lets half of a step's time pass. Interrupts come meanwhile, or not.
static void pass(uint32_t us) {
    counters.steps++;
    uint64_t end = clock_us() + us / 2;
    uint32_t state = irq_off();
    while (clock_us() < end) {
        if (!settings.deaf) {
            irq_restore(state);
            __asm volatile ("wfi");
            state = irq_off();
        }
    }
    if (settings.deaf) {
        uart_unheard();
    }
    irq_restore(state);
}

static bool programmed(uint32_t unit) {
    return PROGRAMMED[unit / 8] & 1 << unit % 8;
}

static void mark(uint32_t unit, bool set) {
    PROGRAMMED[unit / 8] = (PROGRAMMED[unit / 8] & ~(1 << unit % 8)) | set << unit % 8;
}

// set_ones erases a range: one half, then the other.
static void set_ones(uint32_t off, uint32_t len) {
    counters.busy = 1;
    memset(PARTITION + off, 0xff, len / 2);
    pass(settings.erase_us);
    memset(PARTITION + off + len / 2, 0xff, len - len / 2);
    pass(settings.erase_us);
    counters.busy = 0;
    counters.erases++;
}

int cells_erase(uint32_t off, uint32_t len) {
    if (settings.cells == CELLS_READ_ONLY) {
        return -MP_EINVAL;
    }
    if (off > settings.size || len > settings.size - off) {
        counters.outside++;
        return -MP_EINVAL;
    }
    if (settings.cells == CELLS_MRAM) {
        return 0;
    }
    if (off % settings.erase) {
        counters.unaligned++;
        return -MP_EINVAL;
    }
    for (uint32_t end = off + len; off < end; off += settings.erase) {
        set_ones(off, settings.erase);
        if (settings.cells == CELLS_ONCE) {
            for (uint32_t unit = off / settings.write; unit < (off + settings.erase) / settings.write; unit++) {
                mark(unit, false);
            }
        }
    }
    return 0;
}

// put programs a page or less, byte after byte; half of it lies there when half
// of its time has passed.
static void put(uint32_t off, const uint8_t *from, uint32_t len) {
    counters.busy = 1;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t *cell = PARTITION + off + i;
        if (settings.cells == CELLS_MRAM) {
            *cell = from[i];
        } else {
            if (from[i] & ~*cell) {
                counters.bad++;
            }
            *cell &= from[i];
        }
        if (i == (len - 1) / 2) {
            pass(settings.program_us);
        }
    }
    pass(settings.program_us);
    counters.busy = 0;
    counters.programs++;
    counters.programmed += len;
}

// rewrite programs as the NVM controller's driver of samd does: what a block
// holds is read, the block is erased, and its pages are programmed in ascending
// order, those that stay as they were too.
static void rewrite(uint32_t off, const uint8_t *from, uint32_t len) {
    static uint8_t copy[BLOCK_MAX];
    while (len > 0) {
        uint32_t start = off - off % settings.block;
        uint32_t n = MIN(len, start + settings.block - off);
        memcpy(copy, PARTITION + start, settings.block);
        memcpy(copy + (off - start), from, n);
        set_ones(start, settings.block);
        for (uint32_t at = 0; at < settings.block; at += PAGE) {
            put(start + at, copy + at, PAGE);
        }
        off += n, from += n, len -= n;
    }
}

int cells_program(uint32_t off, const uint8_t *from, uint32_t len) {
    if (settings.cells == CELLS_READ_ONLY) {
        return -MP_EINVAL;
    }
    if (off > settings.size || len > settings.size - off) {
        counters.outside++;
        return -MP_EINVAL;
    }
    if (off % settings.write || len % settings.write) {
        counters.unaligned++;
        return -MP_EINVAL;
    }
    if (from + len > PARTITION && from < PARTITION + settings.size) {
        counters.source++; // a real one faults, or programs what it cannot read meanwhile
        return -MP_EINVAL;
    }
    if (settings.cells == CELLS_REWRITTEN) {
        rewrite(off, from, len);
        return 0;
    }
    uint32_t step = settings.cells == CELLS_NOR ? PAGE : settings.write;
    while (len > 0) {
        uint32_t n = MIN(len, step - off % step);
        if (settings.cells == CELLS_ONCE) {
            if (programmed(off / settings.write)) {
                counters.twice++; // the bits of both lie there, and the unit's check is wrong
            }
            mark(off / settings.write, true);
        }
        put(off, from, n);
        off += n, from += n, len -= n;
    }
    return 0;
}
