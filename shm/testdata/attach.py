import struct, sys
from multiprocessing import resource_tracker, shared_memory

# Python must not remove the segment when this process exits.
UNTRACKED = {"track": False} if sys.version_info >= (3, 13) else {}
seg = shared_memory.SharedMemory(sys.argv[1], **UNTRACKED)
if not UNTRACKED:
    resource_tracker.unregister(seg._name, "shared_memory")
print(struct.unpack_from("<q", seg.buf, 0)[0])
struct.pack_into("<q", seg.buf, 8, 42)
seg.close()
