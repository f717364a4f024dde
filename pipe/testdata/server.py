import os, socket, sys, tempfile

path = os.path.join(tempfile.gettempdir(), "CoreFxPipe_" + sys.argv[1])
with socket.socket(socket.AF_UNIX) as server:
    os.umask(0o077)  # the socket's mode: this user only
    server.bind(path)  # fails if the path exists, even if its server died
    server.listen()
    try:
        line = ""
        while line != "stop\n":
            pipe, _ = server.accept()
            with pipe, pipe.makefile("rw") as stream:
                line = stream.readline()
                stream.write("got " + line)
    finally:
        os.unlink(path)
