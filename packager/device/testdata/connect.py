# Carries stdin and stdout to a TCP port: a stand-in for a program that reaches
# a board in its own way.
import os, socket, sys, threading

s = socket.create_connection((sys.argv[1], int(sys.argv[2])))


def down():
    while b := s.recv(4096):
        os.write(1, b)
    os._exit(0)


threading.Thread(target=down, daemon=True).start()
while b := os.read(0, 4096):
    s.sendall(b)
