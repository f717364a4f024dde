/* Two processes with ZeroMQ's sockets at an ipc:// endpoint, whose path is the name. A
 * message is written and read in the library's own memory. See pair.h. */
#include "pair.h"
#include <zmq.h>

static void *context, *socket_;

static void must(int rc, const char *what)
{
	if (rc == -1)
		fail(what);
}

static void prepare(void)
{
}

static void join(void)
{
	char endpoint[256];

	snprintf(endpoint, sizeof endpoint, "ipc://%s", name);
	context = zmq_ctx_new();
	socket_ = zmq_socket(context, ZMQ_PAIR);
	if (!socket_)
		fail("zmq_socket");
	if (answers)
		must(zmq_bind(socket_, endpoint), "zmq_bind");
	else
		must(zmq_connect(socket_, endpoint), "zmq_connect");
}

static void leave(void)
{
	zmq_close(socket_);
	zmq_ctx_term(context);
	if (answers)
		unlink(name);
}

static void put(unsigned seq)
{
	zmq_msg_t m;

	must(zmq_msg_init_size(&m, size), "zmq_msg_init_size");
	fill((unsigned char *)zmq_msg_data(&m), seq);
	while (zmq_msg_send(&m, socket_, 0) == -1)
		if (errno != EINTR)
			fail("zmq_msg_send");
}

static void take(unsigned seq)
{
	zmq_msg_t m;

	must(zmq_msg_init(&m), "zmq_msg_init");
	while (zmq_msg_recv(&m, socket_, spins ? ZMQ_DONTWAIT : 0) == -1)
		if (errno == EAGAIN)
			relax();
		else if (errno != EINTR)
			fail("zmq_msg_recv");
	if (zmq_msg_size(&m) != size) {
		fprintf(stderr, "a message of %zu bytes\n", zmq_msg_size(&m));
		exit(1);
	}
	check((const unsigned char *)zmq_msg_data(&m), seq);
	zmq_msg_close(&m);
}
