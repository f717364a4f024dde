/* Copies of as many bytes as the argument says within one process: as many copies as each
 * line of standard input says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	char *from = (char *)malloc(size), *to = (char *)malloc(size);
	long n;

	if (size == 0 || !from || !to)
		return 1;
	memset(from, 1, size);
	memset(to, 2, size);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (scanf("%ld", &n) == 1) {
		for (; n > 0; n--) {
			memcpy(to, from, size);
			__asm__ volatile("" : : "r"(to), "r"(from) : "memory");
		}
		puts("done");
	}
	free(from);
	free(to);
	return 0;
}
