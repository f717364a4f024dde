/* Two processes at a Unix stream socket. See pair.h. */
#include "pair.h"
#include <sys/socket.h>

static int ends[2], end;
static unsigned char *buffer;

static void prepare(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		fail("socketpair");
}

static void join(void)
{
	end = ends[answers];
	close(ends[!answers]);
	buffer = (unsigned char *)malloc(size);
	if (!buffer)
		fail("malloc");
}

static void leave(void)
{
	free(buffer);
}

/* A sender that finds the socket full sleeps in both ways to wait. */
static void put(unsigned seq)
{
	ssize_t n;

	fill(buffer, seq);
	for (size_t at = 0; at < size; at += (size_t)n)
		if ((n = send(end, buffer + at, size - at, MSG_NOSIGNAL)) < 0)
			fail("send");
}

static void take(unsigned seq)
{
	ssize_t n;

	for (size_t at = 0; at < size; at += (size_t)n) {
		n = recv(end, buffer + at, size - at, spins ? MSG_DONTWAIT : 0);
		if (n < 0 && errno == EAGAIN)
			n = 0;
		else if (n <= 0)
			fail("recv");
	}
	check(buffer, seq);
}
