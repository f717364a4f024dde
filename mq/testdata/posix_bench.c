/* A sender or receiver of a POSIX queue: NAME, then a sender's number, or "receive",
 * or "hold" for the process that makes the queue with the default limits, and takes
 * its name away at the end of its standard input. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>
#include <sys/stat.h>
#include "bench_peer.h"

static mqd_t queue;
static char buffer[8192]; /* mq_receive wants room for the longest message */

static void die(const char *why)
{
	perror(why);
	exit(1);
}

static void put(const message *m)
{
	while (mq_send(queue, (const char *)m, sizeof *m, 0) != 0)
		if (errno != EINTR)
			die("mq_send");
}

static void take(message *m)
{
	ssize_t n;

	while ((n = mq_receive(queue, buffer, sizeof buffer, NULL)) < 0)
		if (errno != EINTR)
			die("mq_receive");
	if (n != sizeof *m) {
		puts("another size");
		exit(1);
	}
	memcpy(m, buffer, sizeof *m);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int hold = strcmp(argv[2], "hold") == 0;
	queue = mq_open(argv[1], hold ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600, NULL);
	if (queue == (mqd_t)-1)
		die("mq_open");
	if (!hold) {
		serve(argv[2]);
		return 0;
	}
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return mq_unlink(argv[1]);
}
