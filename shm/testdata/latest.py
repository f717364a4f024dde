import mmap, struct, sys


def payload(memory, kind):
    """Check an object's header, and return its type's description and payload."""
    magic, its_kind, version, reader, writer, start, described, size = struct.unpack_from("<8s8sHHH2xIIQ", memory)
    if magic != b"\x89BWO\r\n\x1a\n" or its_kind.rstrip(b"\0") != kind:
        raise ValueError("not an object of kind %s" % kind)
    if reader > 1:
        raise ValueError("its layout needs a reader that knows version %d" % reader)
    return bytes(memory[64:64 + described]).decode(), memory[start:start + size]


def load(memory):
    """Return the description, the version and the bytes of a latest value."""
    text, cell = payload(memory, b"latest")
    size = int(text.split()[1])
    stride = (size + 63) // 64 * 64
    while True:
        version, = struct.unpack_from("<Q", cell, 0)
        at = 128 + version % 4 * stride
        value = bytes(cell[at:at + size])
        again, = struct.unpack_from("<Q", cell, 0)
        if again - version <= 2:
            return text, version, value


with open("/dev/shm/bw.latest." + sys.argv[1], "rb") as file:
    memory = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
text, version, value = load(memory)
print(text.splitlines(), version, struct.unpack(sys.argv[2], value))
