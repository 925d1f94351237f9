# Ctrl-C.
#
# The unix port raises KeyboardInterrupt right in the signal handler, wherever the
# program stands; where it holds a mutex, that leaves the heap, or the table of
# names, locked for good. Others set what the VM raises at its next look, and end the
# program if it is set already. A board's firmware knows neither. So the hardware
# sends SIGUSR2, and its handler lets SIGINT through only when the mutexes are free
# and no other is pending, otherwise tries again shortly, and comes back until the VM
# has seen it: the program may have been about to wait.
#
# A handler may find mutexes half locked: it takes none. So it locks the heap by
# itself, which only counts, where ffi would lock the scheduler too; and it is so
# small that its own frame needs no heap.

WORD = struct.calcsize("P")
LATER = 100  # microseconds until a handler tries again
AGAIN = 3  # and until it looks whether the VM has seen the interrupt
retries = 0
wanted = False


def drain():
    # Forgets what interrupts are pending, and blocked; true if there was one.
    c_alarm(0, 0)
    pending = False
    while c_sigwait(INTERRUPTS, None, ZERO_TIME) > 0:
        pending = True
    return pending


# Where the program has its variables, as (address, size).
VARIABLES = [(at, size) for at, size, access, what in MEMORY if access == "rw-p" and size <= 1 << 18 and what[:1] != "["]


def find_pending():
    # The variable that holds the exception that the VM is to raise, as a view of
    # two bytes of it, of which one is not 0 then; None where SIGINT raises by itself.
    # It is found by what it holds, in a copy of the memory between a SIGINT and the
    # VM's next look at it, which comes with a jump.
    for start, size in VARIABLES:
        copy = c_malloc(size)
        interrupted = None
        try:
            c_raise(SIGINT)
            c_memcpy(copy, start, size)
            while True:
                pass
        except KeyboardInterrupt as e:
            interrupted = e
        address = struct.pack("P", id(interrupted) % (1 << 8 * WORD))
        at = c_memmem(copy, size, address, len(address))
        c_free(copy)
        if at:
            found = uctypes.bytearray_at(start + at - copy, len(address))
            if not any(found):
                return uctypes.bytearray_at(start + at - copy + 1, 2)
    return None


# The mutexes that a build with threads holds while it allocates or collects
# garbage, and while it looks up a name, each as a view of its first byte, which is
# not 0 then; None without one. No name leads to them, so they are found by what the
# memory of the program looks like, copied while they are held: glibc's
# pthread_mutex_t begins with whether it is locked, how often (0, or 1 if it is
# recursive), and by which thread.


def memory_copy():
    # A place for a copy of all variables: (address, size), and what makes the copy.
    total = sum(size for _, size in VARIABLES)
    copy = c_malloc(total)
    jobs, to = [], copy
    for start, size in VARIABLES:
        jobs.append((to, start, size))
        to += size

    def copy_all():
        for to, start, size in jobs:
            c_memcpy(to, start, size)

    def find(count):
        # The mutex that is held in the copy, and is not now.
        held = struct.pack("<iIi", 1, count, c_getpid())
        at = c_memmem(copy, total, held, len(held))
        for to, start, size in jobs:
            if to <= at < to + size:
                mutex = uctypes.bytearray_at(start + at - to, 1)
                return mutex if mutex[0] == 0 else None

    return copy, copy_all, find


def find_heap_mutex():
    # An alarm comes in the middle of a collection.
    copy, copy_all, find = memory_copy()
    rang = bytearray(1)

    def on_alarm(sig):
        micropython.heap_lock()
        copy_all()
        rang[0] = 1
        micropython.heap_unlock()

    callback = ffi.callback("v", on_alarm, "i")
    c_signal(SIGALRM, callback)
    mutex = None
    for delay in range(10, 1000, 20):
        rang[0] = 0
        c_alarm(delay, 0)
        for _ in range(40):
            if rang[0]:  # a collection takes a millisecond, and a board starts often
                break
            gc.collect()
        mutex = find(1) or find(0)
        if mutex:
            break
    c_sigmask(SIG_BLOCK, INTERRUPTS, None)
    drain()
    c_free(copy)
    return mutex


def find_name_mutex():
    # The name that is looked up lies where nothing can be read until it was tried.
    copy, copy_all, find = memory_copy()
    page = c_mmap(0, PAGE, 0, 0x22, -1, 0)

    def on_fault(sig):
        micropython.heap_lock()
        copy_all()
        c_mprotect(page, PAGE, 3)
        micropython.heap_unlock()

    callback = ffi.callback("v", on_fault, "i")
    c_signal(SIGSEGV, callback)
    name = "".join(("a name that nothing ", "has"))
    data = uctypes.bytearray_at(id(name) + 3 * WORD, WORD)  # behind type, hash and length
    was = bytes(data)
    data[:] = struct.pack("P", page % (1 << 8 * WORD))
    hasattr(sys, name)
    data[:] = was
    libc.func("P", "signal", "iP")(SIGSEGV, 0)
    mutex = find(0)
    c_free(copy)
    return mutex


pending = find_pending() or bytearray(2)
name_mutex = heap_mutex = None
try:
    import _thread

    name_mutex = find_name_mutex()
    heap_mutex = find_heap_mutex()
except ImportError:
    pass


def busy():
    if name_mutex and name_mutex[0] != 0:
        return True
    if heap_mutex:
        return heap_mutex[0] != 0
    micropython.heap_unlock()
    try:
        bytearray(1)
        return False
    except MemoryError:
        return True
    finally:
        micropython.heap_lock()


def while_pending(sig):
    # A second one is the first one still. No jump may be here, or on the way here: with it the
    # VM would raise what is pending within the handler, and leave the heap locked.
    global wanted
    wanted = False
    c_alarm(AGAIN, 0)


def interrupt(sig):
    global retries, wanted
    if sig == SIGUSR2:
        wanted = True
    if wanted:
        retries = retries + 1 if busy() else 0
        if 0 < retries < 100:
            c_alarm(LATER, 0)
        else:
            retries = 0
            wanted = False
            c_alarm(AGAIN, 0)
            c_sigmask(SIG_BLOCK, ONLY_INT, None)
            c_raise(SIGINT)  # delivered when the handler returns and the mask is back


handlers = interrupt, while_pending


def on_interrupt(sig):
    micropython.heap_lock()
    handlers[pending[0] | pending[1] != 0](sig)
    micropython.heap_unlock()


c_sigmask(SIG_BLOCK, INTERRUPTS, None)
interrupt_callback = ffi.callback("v", on_interrupt, "i")
for number in (SIGUSR2, SIGALRM):
    c_signal(number, interrupt_callback)
    c_siginterrupt(number, 1)  # a system call that waits ends, rather than being waited for again


def disarm():
    # Back to where Ctrl-C is an ordinary character; true if one was still pending.
    global wanted
    c_sigmask(SIG_BLOCK, INTERRUPTS, None)
    hw(HW_INTR, -1)
    caught = drain() and wanted
    wanted = False
    return caught


def run(code, scope):
    # Runs code that Ctrl-C may interrupt; returns the exception that ended it, or None.
    error = None
    try:
        try:
            hw(HW_INTR, 3)
            c_sigmask(SIG_UNBLOCK, INTERRUPTS, None)
            exec(code, scope)
        except BaseException as e:
            error = e
        if disarm() and error is None:
            error = KeyboardInterrupt()
    except KeyboardInterrupt as e:
        disarm()
        error = e
    return error


def show(error):
    # The hardware drops this file's own frames from the traceback in between.
    hw(HW_TRACE, 1)
    print_exception(error)
    hw(HW_TRACE, 0)
