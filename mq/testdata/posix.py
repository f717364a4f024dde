import ctypes, os, sys


class Attr(ctypes.Structure):
    """struct mq_attr"""
    _fields_ = [("flags", ctypes.c_long), ("capacity", ctypes.c_long), ("size", ctypes.c_long),
                ("messages", ctypes.c_long), ("reserved", ctypes.c_long * 4)]


libc = ctypes.CDLL(None, use_errno=True)
try:
    libc.mq_open
except AttributeError:  # before glibc 2.34
    libc = ctypes.CDLL("librt.so.1", use_errno=True)
libc.mq_receive.restype = ctypes.c_ssize_t
libc.mq_receive.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint)]
libc.mq_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint]


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# posix.py /NAME send PRIORITY TEXT, or posix.py /NAME receive COUNT
name, verb, number = sys.argv[1].encode(), sys.argv[2], int(sys.argv[3])
q = check(libc.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, None))
if verb == "send":
    body = sys.argv[4].encode()
    check(libc.mq_send(q, body, len(body), number))
else:
    attr, priority = Attr(), ctypes.c_uint()
    check(libc.mq_getattr(q, ctypes.byref(attr)))
    body = ctypes.create_string_buffer(attr.size)  # a shorter one is refused
    for _ in range(number):
        n = check(libc.mq_receive(q, body, attr.size, ctypes.byref(priority)))
        print(priority.value, body.raw[:n].decode(), flush=True)
