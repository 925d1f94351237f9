# Serves a serial port with pyserial's PortManager, as its example
# rfc2217_server.py does; prints the TCP port.
import socket, sys, threading
import serial, serial.rfc2217



class Pty(serial.Serial):
    # A pty has no modem lines.
    cts = dsr = ri = cd = False


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


def up():
    while True:
        b = port.read(port.in_waiting or 1)
        if b:
            c.write(b"".join(manager.escape(b)))


threading.Thread(target=up, daemon=True).start()
while b := s.recv(4096):
    port.write(b"".join(manager.filter(b)))
