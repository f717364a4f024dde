"""The same two programs as sums, by Python's multiprocessing: COUNT BATCH as arguments.

Prints how many seconds each took from the start of the processes to their end, as JSON.
"""
import json
import multiprocessing as mp
import signal
import sys
import time


def increment(n):
    total = 0
    for _ in range(n):
        total += 1
    return total


def parts(count, batch):
    for done in range(0, count, batch):
        yield increment(min(batch, count - done))


def add_to_queue(count, batch, queue):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for part in parts(count, batch):
        queue.put(part)


def add_in_memory(count, batch, total, guard):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for part in parts(count, batch):
        with guard:
            total.value += part


def through_queue(count, batch):
    queue = mp.Queue()
    start = time.perf_counter()
    processes = [mp.Process(target=add_to_queue, args=(count, batch, queue), daemon=True) for _ in range(2)]
    for p in processes:
        p.start()
    total = sum(queue.get() for _ in range(2 * len(range(0, count, batch))))
    for p in processes:
        p.join()
    return total, time.perf_counter() - start


def in_memory(count, batch):
    total, guard = mp.RawValue("Q"), mp.Semaphore(1)
    start = time.perf_counter()
    processes = [mp.Process(target=add_in_memory, args=(count, batch, total, guard), daemon=True) for _ in range(2)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    return total.value, time.perf_counter() - start


def main(count, batch):
    seconds = {}
    for name, method in ("queue", through_queue), ("memory", in_memory):
        total, seconds[name] = method(count, batch)
        assert total == 2 * count, total
    print(json.dumps(seconds))


if __name__ == "__main__":
    try:
        main(*map(int, sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted")  # the processes are daemons: they end here too
