/* Two words that two processes sleep on, one for each way, with the payload beside: what
 * a futex takes at least. See pair.h. */
#include "pair.h"
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static unsigned char *memory;
static size_t room; /* for one way: a page for the word, then the payload */

static void prepare(void)
{
	room = 4096 + ((size + 4095) & ~(size_t)4095);
	memory = (unsigned char *)mmap(NULL, 2 * room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");
}

static void join(void)
{
}

static void leave(void)
{
}

static void put(unsigned seq)
{
	unsigned char *way = memory + answers * room;

	fill(way + 4096, seq);
	__atomic_store_n((unsigned *)way, seq, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, way, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void take(unsigned seq)
{
	unsigned char *way = memory + !answers * room;
	unsigned now;

	while ((now = __atomic_load_n((unsigned *)way, __ATOMIC_ACQUIRE)) != seq)
		if (syscall(SYS_futex, way, FUTEX_WAIT, now, NULL, NULL, 0) != 0 && errno != EAGAIN && errno != EINTR)
			fail("futex");
	check(way + 4096, seq);
}
