import sys
from multiprocessing.connection import Client

with Client(sys.argv[1], authkey=b"the secret") as c:  # a path, or ("127.0.0.1", 6000)
    c.send_bytes(b"hello")
    print(c.recv_bytes().decode())
