"""The Python side of the tests: does what each line of its standard input says
and answers with one line."""
import sys
from multiprocessing import resource_tracker, shared_memory

seg = None


def keep():
    """A process that merely attached removes the segment when it exits. This is
    the way out that every version has."""
    resource_tracker.unregister(seg._name, "shared_memory")


def do(command, *args):
    global seg
    if command == "create":
        seg = shared_memory.SharedMemory(args[0], create=True, size=int(args[1]))
        return "%d" % seg.size
    if command == "attach":
        seg = shared_memory.SharedMemory(args[0])
        return "%d" % seg.size
    if command == "keep":
        keep()
        return "kept"
    if command == "write":
        at, text = int(args[0]), args[1].encode()
        seg.buf[at:at + len(text)] = text
        return "written"
    if command == "read":
        at, size = int(args[0]), int(args[1])
        return bytes(seg.buf[at:at + size]).decode()
    if command == "unlink":
        seg.unlink()
        return "unlinked"
    raise ValueError(command)


for line in sys.stdin:
    try:
        answer = do(*line.rstrip("\n").split(None, 3))
    except Exception as e:
        answer = "%s: %s" % (type(e).__name__, e)
    print(answer, flush=True)
