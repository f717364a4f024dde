/*
 * The layout of a ring, and a sender and a receiver for rings that are one to one.
 * formats.md, "Ring", says what the words mean.
 *
 *	struct bwring r;
 *	if (bwring_open(&r, "/dev/shm/bw.ring.frames") || bwring_claim_receiver(&r))
 *		...
 *	size_t n;
 *	const void *p = bwring_receive(&r, &n);    waits; p is in shared memory
 *	...
 *	bwring_release(&r);
 *
 * Include it first, or define _GNU_SOURCE. For Linux on 64-bit little-endian machines; C11 with the atomic builtins of gcc and
 * clang. Nothing here checks what another process may have written there on purpose: it
 * is for rings of processes that trust each other. One thread uses a struct bwring at a
 * time. A process that ends gives up by that what it has claimed.
 */
#ifndef BREEZEWAY_RING_H
#define BREEZEWAY_RING_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BWRING_VERSION = 1, BWRING_WORD = 8, BWRING_LINE = 64 };
enum { BWRING_EMPTY, BWRING_READY, BWRING_WRITING, BWRING_SKIP };
enum { BWRING_ONE_TO_ONE, BWRING_MANY_TO_ONE, BWRING_BROADCAST };

/* What every object of Breezeway begins with. */
struct bwring_file {
	unsigned char magic[8];
	char kind[8];
	uint16_t version, reader, writer, zero;
	uint32_t payload_at, type_length;
	uint64_t payload_size, fingerprint;
	uint32_t slots, zeros[3];
};

struct bwring_head {
	uint64_t sender, zero0; /* owner word */
	uint64_t lock_owner;
	uint32_t lock_gate, zero1;
	uint64_t recoveries, zeros0[3];

	uint32_t arrived, room, strict, zeros1[13];

	uint64_t tail, zeros2[7];

	uint64_t oldest, number, number_again, aim, zeros3[4];

	uint64_t cells;
	uint32_t cell_size, size, shape, slow, receivers, type_size;
	uint64_t zeros4[4];
};

struct bwring_slot { uint64_t state; uint32_t waiting, pid; };

struct bwring_line { uint64_t receiver, cursor, taken, skipped, zeros[4]; };

_Static_assert(sizeof(struct bwring_head) == 5 * BWRING_LINE, "five cache lines");

struct bwring {
	struct bwring_head *head;
	struct bwring_line *lines;
	struct bwring_slot *slots;
	unsigned char *cells;
	uint32_t slot_count, holder;
	int fd, lock; /* the lock has a descriptor of its own */
	uint64_t next, loaned, loaned_size, loaned_cells;
};

static inline uint64_t bwring_load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
static inline void bwring_store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }

static inline uint64_t *bwring_word(struct bwring *r, uint64_t pos)
{
	return (uint64_t *)(r->cells + (pos & (r->head->cells - 1)) * r->head->cell_size);
}

static inline uint64_t bwring_make(uint64_t state, uint64_t pos, uint64_t size)
{
	return state | size << 2 | pos << 32;
}

static inline uint64_t bwring_cells_for(struct bwring *r, uint64_t size)
{
	return r->head->size ? 1 : (size + BWRING_WORD + BWRING_LINE - 1) / BWRING_LINE;
}

/* bwring_lock locks the byte of a slot, or with F_OFD_GETLK asks for its lock. */
static inline int bwring_lock(int fd, int command, uint32_t slot, struct flock *l)
{
	memset(l, 0, sizeof *l);
	l->l_type = F_WRLCK;
	l->l_whence = SEEK_SET;
	l->l_start = ((off_t)1 << 62) + slot;
	l->l_len = 1;
	return fcntl(fd, command, l);
}

/* bwring_join takes a slot, and makes dead the past holder that words still name. */
static inline int bwring_join(struct bwring *r)
{
	for (uint32_t i = 0; i < r->slot_count; i++) {
		struct flock l;
		if (bwring_lock(r->lock, F_OFD_SETLK, i, &l))
			continue;
		__atomic_store_n(&r->slots[i].waiting, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&r->slots[i].pid, (uint32_t)getpid(), __ATOMIC_SEQ_CST);
		uint64_t state = __atomic_add_fetch(&r->slots[i].state, (uint64_t)1 << 32, __ATOMIC_SEQ_CST);
		r->holder = (uint32_t)(state >> 32) << 16 | (i + 1);
		uint64_t *owners[] = {&r->head->sender, &r->head->lock_owner, &r->lines[0].receiver};
		for (int k = 0; k < 3; k++) {
			uint64_t w = bwring_load(owners[k]);
			while ((w & 0xffff) == i + 1 &&
			       !__atomic_compare_exchange_n(owners[k], &w, (w & ~0xffffffffULL) | 0xffff, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
				;
		}
		return 0;
	}
	return -1;
}

/* bwring_open opens the ring of a file. It returns 0, or -1 and sets errno. */
static inline int bwring_open(struct bwring *r, const char *path)
{
	struct bwring_file *f;
	struct stat st;
	memset(r, 0, sizeof *r);
	if ((r->fd = open(path, O_RDWR | O_CLOEXEC)) < 0 || (r->lock = open(path, O_RDWR | O_CLOEXEC)) < 0 || fstat(r->fd, &st))
		return -1;
	f = mmap(0, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (f == MAP_FAILED)
		return -1;
	if (memcmp(f->kind, "ring\0\0\0\0", 8) || f->writer > BWRING_VERSION) {
		errno = EPROTO;
		return -1;
	}
	unsigned char *p = (unsigned char *)f + f->payload_at;
	r->head = (struct bwring_head *)p;
	p += sizeof *r->head;
	r->slots = (struct bwring_slot *)p;
	r->slot_count = f->slots;
	p += ((uint64_t)f->slots * sizeof *r->slots + 63) / 64 * 64;
	p += (r->head->type_size + 63) / 64 * 64; /* the description of the type */
	r->lines = (struct bwring_line *)p;
	r->cells = p + r->head->receivers * sizeof *r->lines;
	if (r->head->shape != BWRING_ONE_TO_ONE) {
		errno = ENOTSUP;
		return -1;
	}
	return bwring_join(r);
}

/* bwring_claim takes an owner word, unless its holder lives: then errno is EEXIST. */
static inline int bwring_claim(struct bwring *r, uint64_t *owner)
{
	uint64_t w = bwring_load(owner);
	for (;;) {
		uint32_t holder = (uint32_t)w, slot = (holder & 0xffff) - 1;
		uint64_t recovered = w & (uint64_t)1 << 32;
		if (w & (uint64_t)1 << 34) { /* removed */
			errno = ENOENT;
			return -1;
		}
		if (holder && holder != 0xffff && slot < r->slot_count) {
			struct flock l;
			int same = (uint16_t)(bwring_load(&r->slots[slot].state) >> 32) == holder >> 16;
			if (same && (bwring_lock(r->fd, F_OFD_GETLK, slot, &l) || l.l_type != F_UNLCK)) {
				errno = EEXIST;
				return -1;
			}
		}
		if (holder)
			recovered = (uint64_t)1 << 32;
		uint64_t next = (((w >> 35) + 1) << 35) | recovered | r->holder;
		if (__atomic_compare_exchange_n(owner, &w, next, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return 0;
	}
}

/* bwring_claim_sender makes this process the sender. It goes on where the one before has
 * stopped. */
static inline int bwring_claim_sender(struct bwring *r)
{
	if (bwring_claim(r, &r->head->sender))
		return -1;
	r->next = bwring_load(&r->head->tail);
	for (;;) {
		uint64_t w = bwring_load(bwring_word(r, r->next)), state = w & 3;
		if (w >> 32 != (uint32_t)r->next || (state != BWRING_READY && state != BWRING_SKIP))
			break;
		r->next += state == BWRING_SKIP ? w >> 2 & 0x3fffffff : bwring_cells_for(r, w >> 2 & 0x3fffffff);
	}
	for (uint64_t pos = r->next; r->head->size && pos < r->next + r->head->cells; pos++) {
		uint64_t w = bwring_load(bwring_word(r, pos));
		if (w >> 32 == (uint32_t)pos && (w & 3) == BWRING_READY) /* of a batch that was not sent */
			bwring_store(bwring_word(r, pos), bwring_make(BWRING_EMPTY, pos, 0));
	}
	bwring_store(&r->head->tail, r->next);
	return 0;
}

/* bwring_claim_receiver makes this process the receiver. */
static inline int bwring_claim_receiver(struct bwring *r)
{
	if (bwring_claim(r, &r->lines[0].receiver))
		return -1;
	r->next = bwring_load(&r->lines[0].cursor) >> 2;
	return 0;
}

/* bwring_wake wakes all that wait at a gate. */
static inline void bwring_wake(uint32_t *gate)
{
	uint32_t g = __atomic_load_n(gate, __ATOMIC_SEQ_CST);
	while (g & 1)
		if (__atomic_compare_exchange_n(gate, &g, (g + 2) & ~1u, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			syscall(SYS_futex, gate, FUTEX_WAKE, INT_MAX, 0, 0, 0);
			return;
		}
}

/* bwring_announce says at a gate that this process is going to wait, and returns what to
 * pass to bwring_park after a look that has found nothing. The other side stores plainly:
 * membarrier(2) has it perform a fence between its store and its look at the gate. */
static inline uint32_t bwring_announce(struct bwring *r, uint32_t *gate)
{
	uint32_t old = __atomic_or_fetch(gate, 1, __ATOMIC_SEQ_CST);
	if (syscall(SYS_membarrier, 1 << 1, 0, 0)) /* MEMBARRIER_CMD_GLOBAL_EXPEDITED */
		__atomic_store_n(&r->head->strict, 1, __ATOMIC_SEQ_CST);
	return old;
}

/* bwring_park waits until the gate has moved on, but no longer than 100 ms. */
static inline void bwring_park(uint32_t *gate, uint32_t old)
{
	struct timespec t = {0, 100000000};
	syscall(SYS_futex, gate, FUTEX_WAIT, old, &t, 0, 0);
}

/* bwring_try_loan returns room for a message of size bytes, or 0 if there is none. */
static inline void *bwring_try_loan(struct bwring *r, uint64_t size)
{
	struct bwring_head *h = r->head;
	uint64_t n = bwring_cells_for(r, size), ahead = h->size ? 0 : 1;
	for (;;) {
		uint64_t off = r->next & (h->cells - 1), pad = !h->size && off + n > h->cells ? h->cells - off : 0;
		uint64_t want = (pad ? pad : n) + ahead;
		if (r->next + want - (bwring_load(&r->lines[0].cursor) >> 2) > h->cells)
			return 0;
		if (!pad)
			break;
		bwring_store(bwring_word(r, r->next + pad), bwring_make(BWRING_EMPTY, r->next + pad, 0));
		bwring_store(bwring_word(r, r->next), bwring_make(BWRING_SKIP, r->next, pad));
		r->next += pad;
		bwring_store(&h->tail, r->next);
		bwring_wake(&h->arrived);
	}
	r->loaned = r->next;
	r->loaned_size = size;
	r->loaned_cells = n;
	return (unsigned char *)bwring_word(r, r->next) + BWRING_WORD;
}

/* bwring_loan is bwring_try_loan that waits. */
static inline void *bwring_loan(struct bwring *r, uint64_t size)
{
	for (;;) {
		void *p = bwring_try_loan(r, size);
		if (p)
			return p;
		uint32_t old = bwring_announce(r, &r->head->room);
		if ((p = bwring_try_loan(r, size)))
			return p;
		bwring_park(&r->head->room, old);
	}
}

/* bwring_send sends what was written to the room. */
static inline void bwring_send(struct bwring *r)
{
	uint64_t pos = r->next, n = r->loaned_cells;
	if (!r->head->size)
		bwring_store(bwring_word(r, pos + n), bwring_make(BWRING_EMPTY, pos + n, 0));
	bwring_store(bwring_word(r, pos), bwring_make(BWRING_READY, pos, r->loaned_size));
	r->next = pos + n;
	bwring_store(&r->head->tail, r->next);
	bwring_wake(&r->head->arrived);
}

/* bwring_try_receive returns the next message, or 0 if there is none. */
static inline const void *bwring_try_receive(struct bwring *r, size_t *size)
{
	for (;;) {
		uint64_t w = bwring_load(bwring_word(r, r->next));
		if (w >> 32 != (uint32_t)r->next || !(w & 1)) /* not BWRING_READY or BWRING_SKIP */
			return 0;
		uint64_t n = w >> 2 & 0x3fffffff;
		if ((w & 3) == BWRING_SKIP) {
			r->next += n;
			bwring_store(&r->lines[0].cursor, r->next << 2);
			bwring_wake(&r->head->room);
			continue;
		}
		*size = n;
		const void *p = (unsigned char *)bwring_word(r, r->next) + BWRING_WORD;
		r->loaned = r->next;
		r->next += bwring_cells_for(r, n);
		if (bwring_load(&r->lines[0].taken) - r->next > r->head->cells) /* else received before, by a dead receiver */
			bwring_store(&r->lines[0].taken, r->next);
		return p;
	}
}

/* bwring_receive is bwring_try_receive that waits. */
static inline const void *bwring_receive(struct bwring *r, size_t *size)
{
	for (;;) {
		const void *p = bwring_try_receive(r, size);
		if (p)
			return p;
		uint32_t old = bwring_announce(r, &r->head->arrived);
		if ((p = bwring_try_receive(r, size)))
			return p;
		bwring_park(&r->head->arrived, old);
	}
}

/* bwring_release gives back the message that was received last, and those before. */
static inline void bwring_release(struct bwring *r)
{
	bwring_store(&r->lines[0].cursor, r->next << 2);
	bwring_wake(&r->head->room);
}

#endif
