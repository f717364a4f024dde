"""The Python side of the tests: does what each line of its standard input says,
"ID COMMAND ARGUMENT...", with the socket called ID, and answers with one line."""
import os
import socket
import sys
import tempfile


def path_of(name):
    return name if os.path.isabs(name) else os.path.join(tempfile.gettempdir(), "CoreFxPipe_" + name)


class Peer:
    conn = reader = server = path = None

    def listen(self, arguments):
        name, self.direction = arguments.split()
        self.path = path_of(name)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(self.path)
        server.listen()
        self.server = server

    def accept(self, _):
        self.use(self.server.accept()[0], self.direction)

    def connect(self, arguments):
        name, direction = arguments.split()
        conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        conn.connect(path_of(name))
        self.use(conn, direction)

    def use(self, conn, direction):
        self.conn = conn
        if direction == "In":
            conn.shutdown(socket.SHUT_WR)
        elif direction == "Out":
            conn.shutdown(socket.SHUT_RD)

    def line(self, text):
        self.conn.sendall(text.encode() + b"\n")

    def readline(self, _):
        if self.reader is None:
            self.reader = self.conn.makefile(encoding="utf-8")
        line = self.reader.readline()
        return "line " + line.rstrip("\n") if line else "end"

    def send(self, size):
        self.conn.sendall(bytes(i % 251 for i in range(int(size))))

    def take(self, size):
        size = int(size)
        data = bytearray()
        while len(data) < size:
            more = self.conn.recv(size - len(data))
            if not more:
                raise EOFError(f"ended after {len(data)} bytes")
            data += more
        if data != bytes(i % 251 for i in range(size)):
            raise ValueError("wrong bytes")

    def half_close(self, _):
        self.conn.shutdown(socket.SHUT_WR)

    def close(self, _=None):
        for s in (self.reader, self.conn, self.server):
            if s:
                s.close()
        if self.server:
            os.unlink(self.path)
        self.reader = self.conn = self.server = None


peers = {}
for command in sys.stdin:
    name, verb, argument = (command.rstrip("\n") + "  ").split(" ", 2)
    try:
        answer = getattr(peers.setdefault(name, Peer()), verb.replace("-", "_"))(argument.strip())
    except Exception as e:
        answer = f"error: {type(e).__name__}: {e}"
    print(answer or "ok", flush=True)
for peer in peers.values():
    peer.close()
