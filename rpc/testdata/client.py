import json
import socket
import sys


def call(stream, id, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode()
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()
    length = 0
    for line in iter(stream.readline, b"\r\n"):
        if not line:
            raise EOFError("the server has closed")
        key, value = line.split(b":", 1)
        if key.lower() == b"content-length":
            length = int(value)
    answer = json.loads(stream.read(length))
    if "error" in answer:
        raise RuntimeError(answer["error"]["message"])
    return answer["result"]


connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])  # of pipe.Listen("app", nil): /tmp/CoreFxPipe_app
with connection, connection.makefile("rwb") as stream:
    print(call(stream, 1, "Calc.Add", 1, 2))
