/* Messages that two processes write and check in place, by bare spinning: what the caches
 * make of it that a message lies where the last one did, or elsewhere. The name is how many
 * places there are for each way. See pair.h. */
#include "pair.h"
#include <sys/mman.h>

static unsigned char *memory;
static size_t room, places;

static void prepare(void)
{
	places = strtoul(name, NULL, 10);
	room = (size + 4095) & ~(size_t)4095;
	memory = (unsigned char *)mmap(NULL, 2 * (4096 + places * room), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (places == 0 || memory == MAP_FAILED)
		fail("mmap");
}

static void join(void)
{
}

static void leave(void)
{
}

/* way is a page for the word, then the places. */
static unsigned char *way(int to_answerer)
{
	return memory + (to_answerer ? 0 : 4096 + places * room);
}

/* An answer is the complement of the message. */
static unsigned char *place(unsigned char *way, unsigned seq)
{
	return way + 4096 + (seq < 1u << 31 ? seq : ~seq) % places * room;
}

static void put(unsigned seq)
{
	unsigned char *there = way(!answers);

	fill(place(there, seq), seq);
	__atomic_store_n((unsigned *)there, seq, __ATOMIC_RELEASE);
}

static void take(unsigned seq)
{
	unsigned char *here = way(answers);

	while (__atomic_load_n((unsigned *)here, __ATOMIC_ACQUIRE) != seq)
		;
	check(place(here, seq), seq);
}
