# Serves a serial port with pyserial's PortManager, as its example
# rfc2217_server.py does; prints the TCP port, and then what is done with the lines
# DTR and RTS. A reset by them, RTS on and off while DTR is off, leads to the port of
# a second argument: a board that hung and runs again.
import socket, sys, threading
import serial, serial.rfc2217


class Pty(serial.Serial):
    # A pty has no modem lines.
    cts = dsr = ri = cd = False

    def _update_dtr_state(self):
        line("dtr", self._dtr_state)

    def _update_rts_state(self):
        line("rts", self._rts_state)
        if not self._rts_state and not self._dtr_state and len(sys.argv) > 2:
            restart()


ready = False


def line(name, on):
    if ready:
        print(name, "on" if on else "off", flush=True)


def restart():
    global port
    if ready:
        port = Pty(sys.argv[2], 115200, timeout=0.05)
        manager.serial = port


port = Pty(sys.argv[1], 115200, timeout=0.05)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)


class Connection:
    def __init__(self, s):
        self.s = s
        self.lock = threading.Lock()

    def write(self, b):
        with self.lock:
            self.s.sendall(b)


s, _ = listener.accept()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
c = Connection(s)
manager = serial.rfc2217.PortManager(port, c)
ready = True


def up():
    while True:
        b = port.read(port.in_waiting or 1)
        if b:
            c.write(b"".join(manager.escape(b)))


threading.Thread(target=up, daemon=True).start()
while b := s.recv(4096):
    port.write(b"".join(manager.filter(b)))
