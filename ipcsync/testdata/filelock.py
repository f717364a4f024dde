"""Locks and unlocks the file argv[1] as it is told, with lockf or flock."""
import fcntl
import sys

file = open(sys.argv[1], "r+")
modes = {
    "lock": fcntl.LOCK_EX,
    "rlock": fcntl.LOCK_SH,
    "trylock": fcntl.LOCK_EX | fcntl.LOCK_NB,
    "tryrlock": fcntl.LOCK_SH | fcntl.LOCK_NB,
    "unlock": fcntl.LOCK_UN,
}
print("open", flush=True)
for line in sys.stdin:
    call, mode, *part = line.split()
    try:
        if call == "flock":
            fcntl.flock(file, modes[mode])
        else:
            offset, length = map(int, part or ["0", "0"])
            fcntl.lockf(file, modes[mode], length, offset)
        print("done", flush=True)
    except BlockingIOError:
        print("busy", flush=True)
