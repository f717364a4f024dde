import io, sys
from multiprocessing import resource_tracker, shared_memory
import numpy
from numpy.lib import format

# Python must not remove the segment when this process exits.
UNTRACKED = {"track": False} if sys.version_info >= (3, 13) else {}
READ_HEADER = {(1, 0): format.read_array_header_1_0, (2, 0): format.read_array_header_2_0}


def keep(seg):
    """Have the segment stay when this process exits."""
    resource_tracker.unregister(seg._name, "shared_memory")


def open_array(name):
    """Return the array in a segment, in place, and the segment, to be held on to."""
    seg = shared_memory.SharedMemory(name, **UNTRACKED)
    if not UNTRACKED:
        keep(seg)
    file = io.BytesIO(bytes(seg.buf[:65536]))
    shape, fortran, dtype = READ_HEADER[format.read_magic(file)](file)
    return numpy.ndarray(shape, dtype, seg.buf, file.tell(), order="F" if fortran else "C"), seg


def create_array(name, shape, dtype):
    """Make a segment with an array of zeros, and return both. It goes with this process."""
    dtype = numpy.dtype(dtype)
    file = io.BytesIO()
    format.write_array_header_1_0(file, {"descr": format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape})
    size = file.tell() + dtype.itemsize * int(numpy.prod(shape))
    seg = shared_memory.SharedMemory(name, create=True, size=size)
    seg.buf[:file.tell()] = file.getvalue()
    return numpy.ndarray(shape, dtype, seg.buf, file.tell()), seg


if __name__ == "__main__":
    a, seg = open_array(sys.argv[1])
    b, other = create_array(sys.argv[2], a.shape, a.dtype)
    b[:] = a * 2
    a[:] = 0
    print(b.tolist())
    if sys.argv[3:] == ["keep"]:
        keep(other)
