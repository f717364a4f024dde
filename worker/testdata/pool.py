"""What Python does between its processes, for benchmarks: reads "call N" or "map N CHUNK"
from standard input, does it, and answers "done"."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor


def square(n):
    return n * n


def main():
    workers = int(sys.argv[1])
    with ProcessPoolExecutor(workers) as executor, multiprocessing.Pool(workers) as pool:
        executor.submit(square, 1).result()
        print("ready", flush=True)
        for line in sys.stdin:
            what, n, *chunk = line.split()
            if what == "call":
                for i in range(int(n)):
                    assert executor.submit(square, i).result() == i * i
            else:
                i = 0
                for got in pool.imap(square, range(int(n)), int(chunk[0])):
                    assert got == i * i
                    i += 1
            print("done", flush=True)


if __name__ == "__main__":
    main()
