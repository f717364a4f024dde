/* What the senders and receivers of the benchmarks have in common, here as in the
 * helper processes. Each line of standard input is a number of messages, to be sent
 * or received; then comes the answer "done".
 *
 * A message is 64 bytes, eight times the same word: the sender's number in the upper
 * 16 bits, and below how many messages that sender has sent. A receiver looks at all
 * of them, and gets a sender's messages in their order. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 8, SENDERS = 64 };

typedef struct {
	uint64_t words[WORDS];
} message;

/* What a peer has of its own. They end the process if they fail. */
static void put(const message *m);
static void take(message *m);

static void serve_sender(uint64_t id)
{
	message m;
	uint64_t word = id << 48;
	long n;

	while (scanf("%ld", &n) == 1) {
		for (; n > 0; n--) {
			word++;
			for (int i = 0; i < WORDS; i++)
				m.words[i] = word;
			put(&m);
		}
		puts("done");
	}
}

static void check(const message *m)
{
	static uint64_t last[SENDERS];
	uint64_t word = m->words[0], id = word >> 48;

	for (int i = 1; i < WORDS; i++)
		if (m->words[i] != word) {
			puts("mixed");
			exit(1);
		}
	if (id >= SENDERS || word <= last[id]) {
		puts("out of order");
		exit(1);
	}
	last[id] = word;
}

static void serve_receiver(void)
{
	message m;
	long n;

	while (scanf("%ld", &n) == 1) {
		for (; n > 0; n--) {
			take(&m);
			check(&m);
		}
		puts("done");
	}
}

/* Serves until the end of standard input, which the process begins by being ready. */
static void serve(const char *role)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	if (role[0] == 'r')
		serve_receiver();
	else
		serve_sender(strtoul(role, NULL, 10));
}
