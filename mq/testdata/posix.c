#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* posix /NAME send PRIORITY TEXT, or posix /NAME receive COUNT */
int main(int argc, char **argv)
{
    struct mq_attr attr;
    unsigned priority;
    ssize_t n;

    if (argc < 4)
        return 2;
    mqd_t q = mq_open(argv[1], O_RDWR | O_CREAT, 0600, NULL); /* with the system's limits */
    if (q == (mqd_t)-1 || mq_getattr(q, &attr) != 0) {
        perror(argv[1]);
        return 1;
    }
    if (strcmp(argv[2], "send") == 0 && argc == 5) {
        if (mq_send(q, argv[4], strlen(argv[4]), atoi(argv[3])) != 0) {
            perror("mq_send");
            return 1;
        }
        return 0;
    }
    char *body = malloc(attr.mq_msgsize); /* a shorter one is refused */
    for (int left = atoi(argv[3]); left > 0; left--) {
        if (body == NULL || (n = mq_receive(q, body, attr.mq_msgsize, &priority)) < 0) {
            perror("mq_receive");
            return 1;
        }
        printf("%u %.*s\n", priority, (int)n, body);
        fflush(stdout);
    }
    return 0;
}
