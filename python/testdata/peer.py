"""The Python side of the tests: does what each line of its standard input says
and answers with one line."""
import io
import sys
import warnings
from multiprocessing import resource_tracker, shared_memory

seg = None
items = None


def keep():
    """A process that merely attached removes the segment when it exits. This is
    the way out that every version has."""
    resource_tracker.unregister(seg._name, "shared_memory")


def do(command, *args):
    global seg, items
    if command == "attach":
        seg = shared_memory.SharedMemory(args[0])
        return "%d" % seg.size
    if command == "keep":
        keep()
        return "kept"
    if command == "unlink":
        seg.unlink()
        return "unlinked"
    if command == "list":
        items = shared_memory.ShareableList([None, True, -7, 2.5, "text", b"raw", "\u00fcn\u00ef"], name=args[0])
        return repr(list(items))
    if command == "listof":  # NAME TEXT,TEXT: answers with how many
        items = shared_memory.ShareableList(args[1].split(","), name=args[0])
        return "%d" % len(items)
    if command == "openlist":
        items = shared_memory.ShareableList(name=args[0])
        resource_tracker.unregister(items.shm._name, "shared_memory")
        return repr(list(items))
    if command == "showlist":
        return repr(list(items))
    if command == "setlist":
        items[int(args[0])] = eval(args[1])
        return repr(list(items))
    if command == "unlinklist":
        items.shm.unlink()
        return "unlinked"
    return numpy(command, *args)


def numpy(command, *args):
    import numpy as np
    from numpy.lib import format
    global seg
    if command == "view":  # a plain view: OFFSET COUNT DTYPE
        a = np.ndarray((int(args[1]),), args[2], seg.buf, int(args[0]))
        a *= 2
        return repr(a.tolist())
    if command == "savenpy":  # NAME: an array that numpy writes
        a = np.arange(12, dtype=np.float64).reshape(3, 4) / 4
        file = io.BytesIO()
        format.write_array(file, a)
        return fill(args[0], file.getvalue())
    if command == "savestruct":
        dtype = np.dtype([("ID", "u1"), ("value", "<f8"), ("Axis", "<i2", (2, 3)),
                          ("At", [("X", "<f4"), ("Y", "<f4")]), ("Last", "u1")], align=True)
        a = np.zeros(2, dtype)
        a["ID"] = [7, 8]
        a["value"] = [0.5, 1.5]
        a["Axis"][1][1][2] = -3
        a["At"]["Y"] = 2.5
        a["Last"] = 255
        file = io.BytesIO()
        format.write_array(file, a)
        return fill(args[0], file.getvalue())
    if command == "savenames":  # NAME FIELD: answers with the header's version
        a = np.array([(0.5,), (1.5,)], np.dtype([(args[1], "<f8")]))
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that others may not know version 3
            format.write_array(file, a)
        fill(args[0], file.getvalue())
        return "%d" % file.getvalue()[6]
    if command == "savefortran":
        file = io.BytesIO()
        format.write_array(file, np.asfortranarray(np.ones((2, 3))))
        return fill(args[0], file.getvalue())
    if command == "loadnpy":
        seg = shared_memory.SharedMemory(args[0])
        keep()
        head = io.BytesIO(bytes(seg.buf[:4096]))
        version = format.read_magic(head)
        shape, fortran, dtype = getattr(format, "read_array_header_%d_%d" % version)(head)
        a = np.ndarray(shape, dtype, seg.buf, head.tell(), order="F" if fortran else "C")
        answer = " ".join(("%s %s %s" % (a.shape, a.dtype.descr, a.tolist())).split())
        a.flat[0] = 99 if not dtype.names else tuple(a.flat[0])
        return answer
    raise ValueError(command)


def fill(name, content):
    global seg
    seg = shared_memory.SharedMemory(name, create=True, size=len(content))
    seg.buf[:len(content)] = content
    return "%d" % len(content)


for line in sys.stdin:
    try:
        answer = do(*line.rstrip("\n").split(None, 3))
    except Exception as e:
        answer = "%s: %s" % (type(e).__name__, e)
    print(answer, flush=True)
