"""The other end of multiprocessing.connection: echoes messages.

client ADDRESS KEY: connects, says how that went, and echoes.
listener ADDRESS KEY: says its address, and for each client how that went, and echoes.
manager KEY: a BaseManager with XML-RPC, says its port.

ADDRESS is HOST:PORT or a path, KEY is hexadecimal or "none".
"""

import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from multiprocessing.managers import BaseManager


def address_of(text):
    if text.startswith("/"):
        return text
    host, port = text.split(":")
    return (host, int(port))


def key_of(text):
    return None if text == "none" else bytes.fromhex(text)


def say(text):
    print(text, flush=True)


def echo(c):
    try:
        while True:
            c.send_bytes(c.recv_bytes())
    except (EOFError, OSError):
        pass
    c.close()


def attempt(f):
    try:
        c = f()
    except AuthenticationError:
        say("refused")
    except (EOFError, OSError) as e:
        say("ended")
    else:
        say("connected")
        return c


def client(address, key):
    c = attempt(lambda: Client(address_of(address), authkey=key_of(key)))
    if c:
        echo(c)


def listener(address, key):
    with Listener(address_of(address), authkey=key_of(key)) as l:
        a = l.address
        say(a if isinstance(a, str) else "%s:%d" % a)
        while True:
            c = attempt(l.accept)
            if c:
                echo(c)


class Adder:
    def add(self, a, b):
        return a + b


def manager(key):
    BaseManager.register("Adder", Adder, exposed=["add"])
    m = BaseManager(("127.0.0.1", 0), authkey=key_of(key), serializer="xmlrpclib")
    s = m.get_server()
    say("%s:%d" % s.address)
    s.serve_forever()


{"client": client, "listener": listener, "manager": manager}[sys.argv[1]](*sys.argv[2:])
