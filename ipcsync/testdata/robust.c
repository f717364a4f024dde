// Locks and unlocks a robust shared mutex as often as each line says, alone or,
// with the argument 2, in two processes at once, each so often; with the argument
// alternately a turn counts only if the other process had the last one.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

struct shared {
	pthread_mutex_t mutex;
	char pad[64];
	long count;
};

static int alternately;

static void turns(struct shared *s, long n, int me)
{
	for (long i = 0; i < n;) {
		if (pthread_mutex_lock(&s->mutex) != 0)
			abort();
		if (!alternately || s->count % 2 == me) {
			s->count++;
			i++;
		}
		if (pthread_mutex_unlock(&s->mutex) != 0)
			abort();
	}
}

int main(int argc, char **argv)
{
	alternately = argc > 1 && strcmp(argv[1], "alternately") == 0;
	int two = alternately || (argc > 1 && strcmp(argv[1], "2") == 0);
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&s->mutex, &attr);
	int to[2], from[2];
	if (two) {
		if (pipe(to) || pipe(from))
			return 1;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			long n;
			while (read(to[0], &n, sizeof n) == sizeof n) {
				turns(s, n, 1);
				if (write(from[1], &n, sizeof n) != sizeof n)
					return 1;
			}
			return 0;
		}
	}
	char line[64];
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		long n = atol(line), m;
		if (two && write(to[1], &n, sizeof n) != sizeof n)
			return 1;
		turns(s, n, 0);
		if (two && read(from[0], &m, sizeof m) != sizeof m)
			return 1;
		puts("done");
		fflush(stdout);
	}
	return 0;
}
