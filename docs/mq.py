"""List the messages of a queue without changing it: python3 mq.py FILE

FILE is /dev/shm/bw.mq.NAME on Linux, or the path of a durable queue. formats.md,
"Message queue", says what the words mean. A reader needs no slot and no lock, only
permission to read the file. It relies on a processor that doesn't reorder loads, as
those of x86-64.
"""
import mmap
import struct
import sys

FREE, READY, LEASED, DELAYED = range(4)
STATES = ["free", "ready", "leased", "delayed"]
HEAD, SLOT, DATA, BLOCK = 1024, 128, 64, 256
LARGEST_ID, PRIORITIES = 64, 32


class Damaged(Exception):
    pass


def castagnoli():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = castagnoli()


def crc32c(data, value=0):
    value ^= 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


class Message:
    """A copy of a message. where is "ring" or "store"; state is that of STATES."""

    def __init__(self, position, priority, deliveries, deadline, due, id, body):
        self.position, self.priority, self.deliveries = position, priority, deliveries
        self.deadline, self.due, self.id, self.body = deadline, due, id, body
        self.where, self.state = "ring", READY


class Queue:
    """A queue in memory, which is not written to."""

    def __init__(self, memory):
        if len(memory) < 64 + HEAD:
            raise ValueError("it is too short for a queue")
        magic, kind, _, reader, start, size, slots = struct.unpack_from("<8s8sHH4xI4xQ8xI", memory)
        if magic != b"\x89BWO\r\n\x1a\n" or kind.rstrip(b"\0") != b"mq":
            raise ValueError("it is no queue")
        if reader > 1:
            raise ValueError("its layout needs a reader that knows version %d" % reader)
        if start != 64 or not 1 <= slots <= 65533 or not HEAD <= size <= len(memory) - 64:
            raise ValueError("its header is damaged, or it was truncated")
        self.memory = memory[64:64 + size]
        (self.capacity, self.ring, self.blocks, self.max_message, self.full, self.max_deliveries,
         self.lease_timeout, self.durable, length, self.sync, self.store,
         dead_letter) = struct.unpack_from("<6Iq4I16x256s", self.memory, 384)
        self.dead_letter = dead_letter[:length]
        offset = HEAD + -(-slots * 16 // 64) * 64
        parts = []
        for size in self.ring * SLOT, self.store * SLOT, self.store * 4, self.blocks * 4, self.blocks * 4, self.blocks * BLOCK:
            parts.append(offset)
            offset += -(-size // 64) * 64
        self.ring_at, self.store_at, _, _, self.next_at, self.blocks_at = parts
        if self.capacity < 1 or self.ring < 1 or self.ring & self.ring - 1 or self.max_message > self.blocks * BLOCK or offset != len(self.memory):
            raise ValueError("its layout is damaged")

    def word(self, offset):
        return struct.unpack_from("<Q", self.memory, offset)[0]

    def head(self):
        return self.word(192)

    def __len__(self):
        gone = self.word(200)  # first, so that the difference is not negative
        return max(0, min(self.word(24) - gone, self.ring + self.store))

    def counts(self):
        names = "received acknowledged redelivered expired dropped dead_lettered damaged".split()
        return dict(zip(names, struct.unpack_from("<7Q", self.memory, 256)), sent=self.word(24))

    def copy(self, slot):
        """Copy what the slot at an offset says. It may change meanwhile: see messages."""
        (position, size, block, deadline, due, priority, id_size, deliveries,
         checksum) = struct.unpack_from("<QIIqqBB2xI8xI", self.memory, slot + 8)
        if size > self.max_message or id_size > LARGEST_ID or priority >= PRIORITIES:
            raise Damaged(position)
        rest = id_size + size
        data = [bytes(self.memory[slot + 64:slot + 64 + min(rest, DATA)])]
        rest -= DATA
        blocks = []
        while rest > 0:
            if not 1 <= block <= self.blocks:
                raise Damaged(position)
            blocks.append(block - 1)
            start = self.blocks_at + (block - 1) * BLOCK
            data.append(bytes(self.memory[start:start + min(rest, BLOCK)]))
            rest -= BLOCK
            block, = struct.unpack_from("<I", self.memory, self.next_at + (block - 1) * 4)
        if self.durable:
            value = crc32c(struct.pack("<QQqQ", position, size, deadline, priority << 8 | id_size))
            value = crc32c(data[0], value)
            for block, piece in zip(blocks, data[1:]):
                value = crc32c(struct.pack("<I", block) + piece, value)
            if value != checksum:
                raise Damaged(position)
        text = b"".join(data)
        return Message(position, priority, deliveries, deadline, due, text[:id_size], text[id_size:])

    def try_copy(self, slot):
        try:
            return self.copy(slot)
        except Damaged:
            return None

    def messages(self):
        """Return the messages by position; one that is damaged is None.

        A message that is in the queue all the time is there, one that comes or goes
        meanwhile may be. Messages move from the ring to the store, never back: in this
        order none is overlooked.
        """
        found = {}
        start = self.head()
        for position in range(start, start + self.ring):
            slot = self.ring_at + position % self.ring * SLOT
            if self.word(slot) != position + 1:
                break
            message = self.try_copy(slot)
            if self.head() <= position:  # otherwise it has left, or is in the store
                found[position] = message
        for slot in range(self.store_at, self.store_at + self.store * SLOT, SLOT):
            for _ in range(100):
                before = bytes(self.memory[slot:slot + 16])
                state, position = struct.unpack("<QQ", before)
                if state & 3 == FREE or position >= self.head():  # it is in the ring still
                    break
                message = self.try_copy(slot)
                if self.memory[slot:slot + 16] != before:
                    continue
                if message:
                    message.where, message.state = "store", state & 3
                found.setdefault(position, message)
                break
        return found


def main(path):
    with open(path, "rb") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    queue = Queue(memory)
    print("%d messages of %d, bodies up to %d, durable %d" % (len(queue), queue.capacity, queue.max_message, queue.durable))
    for position, m in sorted(queue.messages().items()):
        if m is None:
            print("%d damaged" % position)
        else:
            print("%d %s priority %d deliveries %d id %s size %d crc32c %08x" % (
                position, STATES[m.state], m.priority, m.deliveries, m.id.hex() or "-", len(m.body), crc32c(m.body)))
    print("end")


if __name__ == "__main__":
    main(sys.argv[1])
