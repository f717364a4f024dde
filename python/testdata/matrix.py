import io, sys
from multiprocessing import resource_tracker, shared_memory
import numpy
from numpy.lib import format

# Python must not remove the segment when this process exits.
UNTRACKED = {"track": False} if sys.version_info >= (3, 13) else {}


def open_array(name):
    """Return the array in a segment, in place, and the segment, to be kept."""
    seg = shared_memory.SharedMemory(name, **UNTRACKED)
    if not UNTRACKED:
        resource_tracker.unregister(seg._name, "shared_memory")
    file = io.BytesIO(bytes(seg.buf[:65536]))
    version = format.read_magic(file)
    read = format.read_array_header_1_0 if version == (1, 0) else format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return numpy.ndarray(shape, dtype, seg.buf, file.tell(), order="F" if fortran else "C"), seg


def create_array(name, shape, dtype):
    """Make a segment with an array of zeros, and return both."""
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
