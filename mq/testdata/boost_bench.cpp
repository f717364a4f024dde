// A sender or receiver of Boost's message_queue: NAME, then a sender's number, or
// "receive", or "hold" for the process that makes the queue, and takes its name away
// at the end of its standard input.
#define NDEBUG
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cstring>
#include "bench_peer.h"

using boost::interprocess::message_queue;

static message_queue *queue;

static void put(const message *m)
{
	queue->send(m, sizeof *m, 0);
}

static void take(message *m)
{
	message_queue::size_type n;
	unsigned priority;

	queue->receive(m, sizeof *m, n, priority);
	if (n != sizeof *m) {
		puts("another size");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	using namespace boost::interprocess;

	if (argc != 3)
		return 2;
	try {
		if (strcmp(argv[2], "hold") != 0) {
			message_queue opened(open_only, argv[1]);
			queue = &opened;
			serve(argv[2]);
			return 0;
		}
		message_queue made(create_only, argv[1], 1000, sizeof(message));
		puts("ready");
		fflush(stdout);
		while (getchar() != EOF)
			;
		return !message_queue::remove(argv[1]);
	} catch (const std::exception &e) {
		fprintf(stderr, "%s\n", e.what());
		return 1;
	}
}
