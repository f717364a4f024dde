/* Lists the messages of the queue whose file is argv[1], as docs/mq.py does. */
#include "../../docs/mq.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct line { uint64_t position; char text[320]; };
struct lines { struct line *all; size_t n, room; };

static void add(void *argument, const struct bwmq_message *m)
{
	static const char *const states[] = {"free", "ready", "leased", "delayed"};
	struct lines *lines = argument;
	if (lines->n == lines->room)
		exit(2);
	struct line *line = &lines->all[lines->n++];
	line->position = m->position;
	if (m->state == BWMQ_DAMAGED) {
		snprintf(line->text, sizeof line->text, "%" PRIu64 " damaged", m->position);
		return;
	}
	char id[2 * BWMQ_MAX_ID + 1] = "-";
	for (uint32_t i = 0; i < m->id_size; i++)
		snprintf(id + 2 * i, 3, "%02x", m->id[i]);
	snprintf(line->text, sizeof line->text, "%" PRIu64 " %s priority %u deliveries %u id %s size %u crc32c %08x",
	         m->position, states[m->state], m->priority, m->deliveries, id, m->size, bwmq_crc(0, m->body, m->size));
}

static int by_position(const void *a, const void *b)
{
	uint64_t x = ((const struct line *)a)->position, y = ((const struct line *)b)->position;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st) != 0)
		return 1;
	void *memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return 1;
	struct bwmq q;
	const char *wrong = bwmq_open(&q, memory, (size_t)st.st_size);
	if (wrong != NULL) {
		fprintf(stderr, "%s: %s\n", argv[1], wrong);
		return 1;
	}
	printf("%" PRIu64 " messages of %u, bodies up to %u, durable %u\n",
	       bwmq_length(&q), q.fixed.capacity, q.fixed.max_message, q.fixed.durable);
	struct lines lines = {.room = (size_t)q.fixed.ring + q.fixed.store};
	lines.all = calloc(lines.room, sizeof *lines.all);
	if (lines.all == NULL || bwmq_each(&q, add, &lines) != 0)
		return 1;
	qsort(lines.all, lines.n, sizeof *lines.all, by_position);
	for (size_t i = 0; i < lines.n; i++)
		puts(lines.all[i].text);
	puts("end");
	return 0;
}
