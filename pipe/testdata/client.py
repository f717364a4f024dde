import os, socket, sys, tempfile

path = os.path.join(tempfile.gettempdir(), "CoreFxPipe_" + sys.argv[1])
with socket.socket(socket.AF_UNIX) as pipe:
    pipe.connect(path)
    pipe.sendall(b"hello\n")
    print(pipe.makefile().readline(), end="")
