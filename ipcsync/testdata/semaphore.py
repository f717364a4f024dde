import sys
from multiprocessing.synchronize import SEM_VALUE_MAX
from _multiprocessing import SemLock

SEMAPHORE = 1
sem = SemLock._rebuild(0, SEMAPHORE, SEM_VALUE_MAX, "/" + sys.argv[1])  # it must exist
with sem:
    print("working")
