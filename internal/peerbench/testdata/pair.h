/* What the C and C++ programs of the benchmarks have in common: two processes that
 * exchange messages. Arguments: "trip" or "way", "spin" or "park", the size of a message
 * and a name that no other program uses. Each line of standard input is a number of
 * messages, there and back or in one direction; when the last has come the answer is
 * "done".
 *
 * What spins has a processor to itself: two that spin on one wait for the system to notice.
 *
 * A byte of every cache line of a message is written before it is sent, and checked when
 * it has come, as package bench does. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 64 };

static const char *name;
static size_t size;
static int spins;   /* wait by looking again and again */
static int answers; /* this process is the one that was started by the other */

/* What a program has of its own. They end the process if they fail. */
static void prepare(void);                 /* before there are two processes */
static void join(void);                    /* in each of them */
static void put(unsigned seq);             /* fills and sends a message */
static void take(unsigned seq);            /* receives and checks one */
static void leave(void);                   /* in each of them, at the end */

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* Has this thread run on the first processor that it may, or on the last one. */
static void pin(int last)
{
	cpu_set_t may, one;
	int found = -1;

	if (sched_getaffinity(0, sizeof may, &may) != 0)
		fail("sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE && (last || found < 0); cpu++)
		if (CPU_ISSET(cpu, &may))
			found = cpu;
	CPU_ZERO(&one);
	CPU_SET(found, &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		fail("sched_setaffinity");
}

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static inline void fill(unsigned char *p, unsigned seq)
{
	for (size_t i = 0; i < size; i += LINE)
		p[i] = (unsigned char)(seq + i / LINE + i);
	p[size - 1] = (unsigned char)(seq + (size - 1) / LINE + size - 1);
}

static inline void check(const unsigned char *p, unsigned seq)
{
	for (size_t i = 0; i < size; i += LINE)
		if (p[i] != (unsigned char)(seq + i / LINE + i)) {
			fprintf(stderr, "message %u is wrong at byte %zu\n", seq, i);
			exit(1);
		}
	if (p[size - 1] != (unsigned char)(seq + (size - 1) / LINE + size - 1)) {
		fprintf(stderr, "message %u is wrong at its end\n", seq);
		exit(1);
	}
}

/* The process that answers is told how many messages come: it sleeps in between. */
static void answer(int from, int to, int one_way)
{
	unsigned seq = 0;
	long n = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		fail("prctl");
	answers = 1;
	join();
	if (spins)
		pin(1);
	do {
		if (write(to, &n, sizeof n) != sizeof n)
			break; /* joined, or all have come */
		if (read(from, &n, sizeof n) != sizeof n)
			break;
		for (long i = 0; i < n; i++) {
			take(++seq);
			if (!one_way)
				put(~seq);
		}
	} while (1);
	leave();
	exit(0);
}

static void ask(int to, int from, int one_way)
{
	unsigned seq = 0;
	long n, sum;

	if (read(from, &sum, sizeof sum) != sizeof sum)
		fail("the other process");
	puts("ready");
	while (scanf("%ld", &n) == 1) {
		if (write(to, &n, sizeof n) != sizeof n)
			fail("the other process");
		for (long i = 0; i < n; i++) {
			put(++seq);
			if (!one_way)
				take(~seq);
		}
		if (read(from, &sum, sizeof sum) != sizeof sum || sum != n)
			fail("the other process");
		puts("done");
	}
	close(to);
}

int main(int argc, char **argv)
{
	int there[2], back[2], one_way;
	pid_t child;

	if (argc != 5)
		return 2;
	one_way = strcmp(argv[1], "way") == 0;
	spins = strcmp(argv[2], "spin") == 0;
	size = strtoul(argv[3], NULL, 10);
	name = argv[4];
	setvbuf(stdout, NULL, _IOLBF, 0);
	prepare();
	if (pipe(there) != 0 || pipe(back) != 0)
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(there[1]);
		close(back[0]);
		answer(there[0], back[1], one_way);
	}
	close(there[0]);
	close(back[1]);
	join();
	if (spins)
		pin(0);
	ask(there[1], back[0], one_way);
	waitpid(child, NULL, 0);
	leave();
	return 0;
}
