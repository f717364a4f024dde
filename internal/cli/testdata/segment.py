# Makes the segment argv[1] of 64 bytes, and at each line of its input prints what
# is there now. It removes the segment at the end.
import sys
from multiprocessing.shared_memory import SharedMemory

segment = SharedMemory(sys.argv[1], create=True, size=64)
try:
    segment.buf[:5] = b"hello"
    print("ready", flush=True)
    for line in sys.stdin:
        print(bytes(segment.buf[:16]).hex(), flush=True)
finally:
    segment.close()
    segment.unlink()
