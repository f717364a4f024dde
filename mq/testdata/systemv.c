#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
    long type; /* at least 1 */
    char text[256];
};

/* systemv FILE LETTER send TYPE TEXT, or systemv FILE LETTER receive TYPE COUNT */
int main(int argc, char **argv)
{
    struct message m;
    ssize_t n;

    if (argc != 6)
        return 2;
    key_t key = ftok(argv[1], argv[2][0]);
    int q = key == -1 ? -1 : msgget(key, IPC_CREAT | 0600);
    if (q == -1) {
        perror(argv[1]);
        return 1;
    }
    if (strcmp(argv[3], "send") == 0) {
        m.type = atol(argv[4]);
        snprintf(m.text, sizeof m.text, "%s", argv[5]);
        if (msgsnd(q, &m, strlen(m.text), 0) != 0) {
            perror("msgsnd");
            return 1;
        }
        return 0;
    }
    for (int left = atoi(argv[5]); left > 0; left--) {
        n = msgrcv(q, &m, sizeof m.text, atol(argv[4]), 0);
        if (n < 0) {
            perror("msgrcv");
            return 1;
        }
        printf("%ld %.*s\n", m.type, (int)n, m.text);
        fflush(stdout);
    }
    return 0;
}
