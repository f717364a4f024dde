/*
 * The layout of a message queue, and a reader that lists its messages without
 * changing it. formats.md, "Message queue", says what the words mean.
 *
 * For 64-bit little-endian machines; C11 with the atomic builtins of gcc and clang.
 * A reader needs no slot and no lock, only permission to read the file.
 */
#ifndef BREEZEWAY_MQ_H
#define BREEZEWAY_MQ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	BWMQ_VERSION = 1,
	BWMQ_SLOT_DATA = 64,
	BWMQ_BLOCK = 256,
	BWMQ_PRIORITIES = 32,
	BWMQ_MAX_ID = 64,
	BWMQ_MAX_DEAD_LETTER = 256,
};

/* What every object of Breezeway begins with. */
struct bwmq_file {
	unsigned char magic[8];
	char kind[8];
	uint16_t version, reader, writer, zero;
	uint32_t payload_at, type_length;
	uint64_t payload_size, fingerprint;
	uint32_t slots, zeros[3];
};

struct bwmq_mutex {
	uint64_t owner;
	uint32_t gate, zero;
	uint64_t recoveries;
};

/* What does not change after the creation. */
struct bwmq_fixed {
	uint32_t capacity, ring, blocks, max_message, full, max_deliveries;
	int64_t lease_timeout;
	uint32_t durable, dead_letter_size, sync, store;
	uint64_t zeros[2];
	unsigned char dead_letter[BWMQ_MAX_DEAD_LETTER];
};

struct bwmq_list { uint32_t first, last; };

struct bwmq_head {
	struct bwmq_mutex in;
	uint64_t tail, taken;
	uint32_t fresh, last_priority, zeros0[4];

	uint64_t last_change;
	uint32_t arrived, room, idle, rebuild, expiring, zeros1[9];

	struct bwmq_mutex out;
	int64_t next_due;
	uint32_t ready, dead, free, high, scheduled, leased, delayed, zero2;

	uint64_t head, gone, freed, zeros3[5];

	uint64_t received, acknowledged, redelivered, expired, dropped, dead_lettered, damaged, zero4;

	struct bwmq_mutex disk;
	uint64_t synced, synced_head;
	uint32_t written; /* gate */
	uint32_t zeros5[5];

	struct bwmq_fixed fixed;
	struct bwmq_list lists[BWMQ_PRIORITIES + 1];
	uint64_t zeros6[7];
};

struct bwmq_slot {
	uint64_t state, position;
	uint32_t size, first;
	int64_t deadline, due;
	uint8_t priority, id_size;
	uint16_t zero0;
	uint32_t deliveries, next, place, sum, zero1;
	unsigned char data[BWMQ_SLOT_DATA];
};

_Static_assert(sizeof(struct bwmq_file) == 64, "file");
_Static_assert(sizeof(struct bwmq_head) == 1024, "head");
_Static_assert(sizeof(struct bwmq_slot) == 128, "slot");
_Static_assert(offsetof(struct bwmq_head, fixed) == 384, "fixed");
_Static_assert(offsetof(struct bwmq_head, lists) == 704, "lists");

/* bwmq is a queue whose file is mapped. */
struct bwmq {
	const struct bwmq_head *head;
	struct bwmq_fixed fixed; /* a private copy: the bounds of everything else */
	const struct bwmq_slot *ring, *store;
	const uint32_t *next_block;
	const unsigned char *blocks;
};

enum bwmq_state { BWMQ_FREE, BWMQ_READY, BWMQ_LEASED, BWMQ_DELAYED, BWMQ_DAMAGED };

/* bwmq_message is a copy of a message, whose body lies behind its ID. */
struct bwmq_message {
	uint64_t position;
	enum bwmq_state state;
	int64_t deadline; /* Unix nanoseconds; 0: none */
	int64_t due;      /* when the lease or delay ends; 0: never */
	uint32_t priority, deliveries, id_size, size;
	const unsigned char *id, *body;
};

static inline uint64_t bwmq_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline uint64_t bwmq_round(uint64_t n)
{
	return (n + 63) & ~(uint64_t)63;
}

/* bwmq_crc is CRC-32C (Castagnoli), continued from sum, which is 0 at first. */
static inline uint32_t bwmq_crc(uint32_t sum, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;
	sum = ~sum;
	while (n-- > 0) {
		sum ^= *b++;
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78u : 0);
	}
	return ~sum;
}

/*
 * bwmq_open finds the queue in a file of size bytes that is mapped at memory. It returns
 * NULL, or what is wrong.
 */
static inline const char *bwmq_open(struct bwmq *q, const void *memory, size_t size)
{
	struct bwmq_file file;
	if (size < sizeof file + sizeof(struct bwmq_head))
		return "it is too short for a queue";
	memcpy(&file, memory, sizeof file);
	if (memcmp(file.magic, "\x89" "BWO\r\n\x1a\n", 8) != 0 || memcmp(file.kind, "mq\0\0\0\0\0", 8) != 0)
		return "it is no queue";
	if (file.reader > BWMQ_VERSION)
		return "its layout needs a newer reader";
	if (file.payload_at != sizeof file || file.slots < 1 || file.slots > 65533 ||
	    file.payload_size > size - sizeof file)
		return "its header is damaged, or it was truncated";
	q->head = (const void *)((const char *)memory + sizeof file);
	memcpy(&q->fixed, &q->head->fixed, sizeof q->fixed);
	const struct bwmq_fixed *f = &q->fixed;
	if (f->capacity < 1 || f->capacity > 1u << 26 || f->ring < f->capacity || f->ring >= 2 * f->capacity ||
	    (f->ring & (f->ring - 1)) != 0 || f->store < f->capacity || f->store > 3 * f->capacity ||
	    f->blocks > INT32_MAX || (uint64_t)f->max_message > (uint64_t)f->blocks * BWMQ_BLOCK || f->dead_letter_size > BWMQ_MAX_DEAD_LETTER)
		return "its layout is damaged";
	uint64_t at = sizeof(struct bwmq_head) + bwmq_round((uint64_t)file.slots * 16);
	uint64_t ring = at, store, schedule, free_ring, next_block, blocks;
	store = ring + (uint64_t)f->ring * sizeof(struct bwmq_slot);
	schedule = store + (uint64_t)f->store * sizeof(struct bwmq_slot);
	free_ring = schedule + bwmq_round((uint64_t)f->store * 4);
	next_block = free_ring + bwmq_round((uint64_t)f->blocks * 4);
	blocks = next_block + bwmq_round((uint64_t)f->blocks * 4);
	if (blocks + (uint64_t)f->blocks * BWMQ_BLOCK != file.payload_size)
		return "its layout is damaged";
	const char *head = (const char *)q->head;
	q->ring = (const void *)(head + ring);
	q->store = (const void *)(head + store);
	q->next_block = (const void *)(head + next_block);
	q->blocks = (const void *)(head + blocks);
	return NULL;
}

/* bwmq_length returns how many messages are in the queue. */
static inline uint64_t bwmq_length(const struct bwmq *q)
{
	uint64_t gone = bwmq_load(&q->head->gone); /* first, so that the difference is not negative */
	return bwmq_load(&q->head->tail) - gone;
}

/*
 * bwmq_copy copies what slot s says to m, and ID and body to a new buffer, which it
 * returns. What it copies may change meanwhile: the caller checks that afterwards. A
 * message that can't be, or for which there is no memory, is BWMQ_DAMAGED, and has no
 * buffer.
 */
static inline unsigned char *bwmq_copy(const struct bwmq *q, const struct bwmq_slot *s, struct bwmq_message *m)
{
	struct bwmq_slot c;
	memcpy(&c, s, sizeof c);
	memset(m, 0, sizeof *m);
	m->position = c.position;
	m->state = BWMQ_DAMAGED;
	if (c.size > q->fixed.max_message || c.id_size > BWMQ_MAX_ID || c.priority >= BWMQ_PRIORITIES)
		return NULL;
	size_t size = (size_t)c.size + c.id_size, done = size < BWMQ_SLOT_DATA ? size : BWMQ_SLOT_DATA;
	unsigned char *buffer = malloc(size + 1);
	if (buffer == NULL)
		return NULL;
	memcpy(buffer, c.data, done);
	uint64_t said[4] = {c.position, c.size, (uint64_t)c.deadline, (uint64_t)c.priority << 8 | c.id_size};
	uint32_t sum = bwmq_crc(bwmq_crc(0, said, sizeof said), buffer, done);
	for (uint32_t next = c.first; done < size;) {
		uint32_t block = next - 1;
		if (block >= q->fixed.blocks) {
			free(buffer);
			return NULL;
		}
		size_t n = size - done < BWMQ_BLOCK ? size - done : BWMQ_BLOCK;
		memcpy(buffer + done, q->blocks + (size_t)block * BWMQ_BLOCK, n);
		sum = bwmq_crc(bwmq_crc(sum, &block, sizeof block), buffer + done, n);
		done += n;
		next = __atomic_load_n(&q->next_block[block], __ATOMIC_RELAXED);
	}
	if (q->fixed.durable && sum != c.sum) {
		free(buffer);
		return NULL;
	}
	m->state = BWMQ_READY;
	m->deadline = c.deadline;
	m->due = c.due;
	m->priority = c.priority;
	m->deliveries = c.deliveries;
	m->id_size = c.id_size;
	m->size = c.size;
	m->id = buffer;
	m->body = buffer + c.id_size;
	return buffer;
}

/*
 * bwmq_each calls f with each message: first those in the ring, then those in the store,
 * in no order. A message that is in the queue all the time is there once, one that comes
 * or goes meanwhile at most once. f's message is valid until f returns. bwmq_each returns
 * 0, or -1 if there is no memory.
 */
static inline int bwmq_each(const struct bwmq *q, void (*f)(void *, const struct bwmq_message *), void *argument)
{
	uint64_t mask = q->fixed.ring - 1, start = bwmq_load(&q->head->head);
	unsigned char *listed = calloc(q->fixed.ring, 1);
	if (listed == NULL)
		return -1;
	for (uint64_t p = start; p - start < q->fixed.ring; p++) {
		const struct bwmq_slot *s = &q->ring[p & mask];
		if (bwmq_load(&s->state) != p + 1)
			break;
		struct bwmq_message m;
		unsigned char *buffer = bwmq_copy(q, s, &m);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (bwmq_load(&q->head->head) <= p) { /* otherwise it has left, or is in the store */
			m.position = p;
			m.due = 0;
			listed[p & mask] = 1;
			f(argument, &m);
		}
		free(buffer);
	}
	for (uint32_t n = 0; n < q->fixed.store; n++) {
		const struct bwmq_slot *s = &q->store[n];
		for (int tries = 0; tries < 100; tries++) {
			uint64_t state = bwmq_load(&s->state), position = bwmq_load(&s->position);
			if ((state & 3) == BWMQ_FREE)
				break;
			if (position >= bwmq_load(&q->head->head)) /* it is in the ring still */
				break;
			struct bwmq_message m;
			unsigned char *buffer = bwmq_copy(q, s, &m);
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			int whole = bwmq_load(&s->state) == state && bwmq_load(&s->position) == position;
			if (whole && !(position - start < q->fixed.ring && listed[position & mask])) {
				if (m.state != BWMQ_DAMAGED)
					m.state = (enum bwmq_state)(state & 3);
				f(argument, &m);
			}
			free(buffer);
			if (whole)
				break;
		}
	}
	free(listed);
	return 0;
}

#endif
