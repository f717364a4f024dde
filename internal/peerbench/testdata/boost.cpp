// Two processes with two of Boost.Interprocess's message queues. See pair.h.
#define NDEBUG
#include <boost/interprocess/ipc/message_queue.hpp>
#include <memory>
#include <string>
#include <vector>
#include "pair.h"

using namespace boost::interprocess;

static std::unique_ptr<message_queue> queues[2]; // there and back
static std::vector<unsigned char> buffer;

static std::string name_of(int way)
{
	return std::string(name) + "-" + std::to_string(way);
}

static void prepare(void)
{
	const size_t messages = size >= 64 << 10 ? 8 : 1000;

	for (int way = 0; way < 2; way++)
		queues[way].reset(new message_queue(create_only, name_of(way).c_str(), messages, size));
}

static void join(void)
{
	buffer.resize(size);
}

static void leave(void)
{
	if (!answers)
		for (int way = 0; way < 2; way++)
			message_queue::remove(name_of(way).c_str());
}

static void put(unsigned seq)
{
	message_queue &q = *queues[answers];

	fill(buffer.data(), seq);
	if (!spins)
		q.send(buffer.data(), size, 0);
	else
		while (!q.try_send(buffer.data(), size, 0))
			relax();
}

static void take(unsigned seq)
{
	message_queue &q = *queues[!answers];
	message_queue::size_type n;
	unsigned priority;

	if (!spins)
		q.receive(buffer.data(), size, n, priority);
	else
		while (!q.try_receive(buffer.data(), size, n, priority))
			relax();
	if (n != size) {
		fprintf(stderr, "a message of %zu bytes\n", (size_t)n);
		exit(1);
	}
	check(buffer.data(), seq);
}
