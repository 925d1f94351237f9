// The board: what is chosen at start, what it counts, and where both lie.
//
// internal/emulator writes settings and reads counters by these layouts, and a
// test there compares the two.
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The cells of the ROM partition.
enum {
    CELLS_NOR,       // erased to ones; a program clears bits, in pages of 256 bytes
    CELLS_ONCE,      // the same, but each unit is programmed once after an erase
    CELLS_REWRITTEN, // a program reads its blocks, erases them and programs them anew, as samd does
    CELLS_MRAM,      // written in place; an erase does nothing
    CELLS_READ_ONLY, // a program or an erase is refused
};

// How vfs.rom_ioctl shows the partition.
enum {
    SEGMENT_NONE,
    SEGMENT_MEMORYVIEW,
    SEGMENT_BLOCKS, // a block device, of erase units
};

// Settings are words that a loader lays at SETTINGS before the start. Without
// the magic number the defaults of start.c count.
typedef struct {
    uint32_t magic;
    uint32_t heap;       // bytes
    uint32_t ring;       // bytes that the UART's input can wait in
    uint32_t drops;      // input is lost when the ring is full; else the sender waits
    uint32_t segment;
    uint32_t size;       // of the partition, in bytes
    uint32_t cells;
    uint32_t erase;      // unit of erasing
    uint32_t write;      // unit of programming
    uint32_t block;      // what CELLS_REWRITTEN reads and erases at once
    uint32_t reported;   // what op 3 says is the unit of programming
    uint32_t op6;        // op 6, and op 3 with an offset; else an offset is taken for the length
    uint32_t erase_us;   // an erase takes so long, a unit
    uint32_t program_us; // and a program, a page or a larger unit
    uint32_t deaf;       // interrupts are off meanwhile
    uint32_t loaded;     // the partition holds what a loader has put there
    uint32_t deaf_to_c;  // Ctrl-C does not interrupt a program, as in upstream's qemu port
    uint32_t id[2];      // machine.unique_id()
} settings_t;

// Counters outlive a reset, as the partition does. Those from bad on are of
// what no careful driver does.
typedef struct {
    uint32_t magic;
    uint32_t cause;  // of the next reset, for machine.reset_cause()
    uint32_t boots;
    uint32_t steps;  // of flash: pages programmed, units erased, and halves of these
    uint32_t busy;   // in the middle of one
    uint32_t erases; // units
    uint32_t programs;
    uint32_t programmed; // bytes
    uint32_t received;
    uint32_t lost;       // input bytes that the ring had no room for
    uint32_t unheard;    // that came while the board was deaf, as when the host asks a slow one again
    uint32_t bad;        // programmed without an erase
    uint32_t twice;      // a unit programmed again
    uint32_t unaligned;
    uint32_t outside;    // of the partition
    uint32_t source;     // programmed from the flash itself
} counters_t;

#define MAGIC (0x524d4631)

// The PSRAM. QEMU can keep it in a file, so that it outlives a power cut.
#define PARTITION ((uint8_t *)0x21000000)
#define PARTITION_MAX (8u << 20)
#define DISK ((uint8_t *)0x21800000)
#define DISK_SIZE (256u << 10)
#define PROGRAMMED ((uint8_t *)0x21a00000) // a bit for each unit of CELLS_ONCE
#define SETTINGS ((settings_t *)0x21f00000)
#define COUNTERS ((counters_t *)0x21f01000)
#define FILES ((const uint8_t *)0x21f10000) // for /flash of a new board; see disk.c
#define FILES_END ((const uint8_t *)0x22000000)

extern settings_t settings;
#define counters (*COUNTERS)

#define HEAP_MAX (1u << 20)

// cells.c: results are 0 or a negative errno, as rom_ioctl's are.
void cells_start(bool fresh);
int cells_erase(uint32_t off, uint32_t len);
int cells_program(uint32_t off, const uint8_t *from, uint32_t len);

// disk.c
void disk_mount(bool fresh);

// rom.c: a block device in memory, of the partition's cells or of plain RAM.
extern const struct _mp_obj_type_t blocks_type;

// clock.c
void clock_start(void);
uint64_t clock_us(void);

// uart.c
void uart_start(void);
bool uart_waiting(void);
void uart_unheard(void); // the board was deaf

// start.c
void board_reset(void) __attribute__((noreturn));

#endif
