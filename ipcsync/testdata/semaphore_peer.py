"""The Python side of the tests: a multiprocessing.Semaphore, and a child process
made by spawn that has it too and does what each line of standard input says."""
import multiprocessing
import sys
from multiprocessing.synchronize import SEM_VALUE_MAX
from _multiprocessing import SemLock


def child(sem, lines, answers):
    """Do what the lines say with the semaphore that came from the parent."""
    for line in iter(lines.get, None):
        command, n = line.split()
        for _ in range(int(n)):
            if command == "take":
                sem.acquire()
            elif command == "give":
                sem.release()
        answers.put("%s %d" % (command, sem.get_value()))


def theirs():
    """Make a semaphore, tell its name, and give it to a child."""
    spawn = multiprocessing.get_context("spawn")
    sem = spawn.Semaphore(2)
    lines, answers = spawn.Queue(), spawn.Queue()
    process = spawn.Process(target=child, args=(sem, lines, answers))
    process.start()
    print(sem._semlock.name.lstrip("/"), flush=True)
    for line in sys.stdin:
        lines.put(line)
        print(answers.get(), flush=True)
    lines.put(None)
    process.join()


def ours(name):
    """Open a semaphore that exists."""
    sem = SemLock._rebuild(0, 1, SEM_VALUE_MAX, "/" + name)
    print("opened", flush=True)
    for line in sys.stdin:
        command, n = line.split()
        for _ in range(int(n)):
            if command == "take":
                sem.acquire()
            elif command == "give":
                sem.release()
        print("%s %d" % (command, sem._get_value()), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ours(sys.argv[1])
    else:
        theirs()
