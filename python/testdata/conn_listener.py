import sys
from multiprocessing.connection import Listener

with Listener(sys.argv[1], authkey=b"the secret") as listener:
    print("listening", flush=True)
    with listener.accept() as c:
        c.send_bytes(b"got " + c.recv_bytes())
