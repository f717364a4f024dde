import sys
from multiprocessing import resource_tracker, shared_memory

items = shared_memory.ShareableList(name=sys.argv[1])
# Python must not remove the list when this process exits.
resource_tracker.unregister(items.shm._name, "shared_memory")
print(list(items))
items[1] = 0.5
items.shm.close()
