/* The C side of the tests: does what each line of its standard input says, with
 * sem_open and its like, and answers with one line. With arguments it is that of
 * the benchmarks. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

static void wait_for(sem_t *sem)
{
    while (sem_wait(sem) != 0 && errno == EINTR)
        ;
}

static sem_t *must_open(const char *name)
{
    sem_t *sem = sem_open(name, 0);

    if (sem == SEM_FAILED)
        perror(name);
    return sem;
}

/* Takes and gives a permit, as often as each line says. */
static int pairs(const char *name)
{
    sem_t *sem = must_open(name);
    long n;

    if (sem == SEM_FAILED)
        return 1;
    while (scanf("%ld", &n) == 1) {
        for (; n > 0; n--) {
            wait_for(sem);
            sem_post(sem);
        }
        printf("done\n");
    }
    return 0;
}

/* Gives here and takes there, as often as each line says. */
static int ping(const char *here, const char *there)
{
    sem_t *give = must_open(here), *take = must_open(there);
    long n;

    if (give == SEM_FAILED || take == SEM_FAILED)
        return 1;
    while (scanf("%ld", &n) == 1) {
        for (; n > 0; n--) {
            sem_post(give);
            wait_for(take);
        }
        printf("done\n");
    }
    return 0;
}

/* Answers ping for ever. */
static int pong(const char *here, const char *there)
{
    sem_t *take = must_open(here), *give = must_open(there);

    if (give == SEM_FAILED || take == SEM_FAILED)
        return 1;
    printf("ready\n");
    for (;;) {
        wait_for(take);
        sem_post(give);
    }
}

int main(int argc, char **argv)
{
    char line[1024], command[32], name[256];
    sem_t *sem = SEM_FAILED;
    long n;
    int value;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "pairs") == 0)
        return pairs(argv[2]);
    if (argc == 4 && strcmp(argv[1], "ping") == 0)
        return ping(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "pong") == 0)
        return pong(argv[2], argv[3]);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "create %255s %ld", name, &n) == 2) {
            sem = sem_open(name, O_CREAT | O_EXCL, 0600, (unsigned)n);
            printf("%s\n", sem == SEM_FAILED ? strerror(errno) : "created");
        } else if (sscanf(line, "open %255s", name) == 1) {
            sem = sem_open(name, 0);
            printf("%s\n", sem == SEM_FAILED ? strerror(errno) : "opened");
        } else if (sscanf(line, "take %ld", &n) == 1) {
            for (; n > 0; n--)
                wait_for(sem);
            printf("taken\n");
        } else if (strcmp(line, "try\n") == 0) {
            printf("%s\n", sem_trywait(sem) == 0 ? "taken" : strerror(errno));
        } else if (sscanf(line, "give %ld", &n) == 1) {
            for (; n > 0; n--)
                if (sem_post(sem) != 0)
                    perror("sem_post");
            printf("given\n");
        } else if (strcmp(line, "value\n") == 0) {
            sem_getvalue(sem, &value);
            printf("%d\n", value);
        } else if (sscanf(line, "unlink %255s", name) == 1) {
            printf("%d\n", sem_unlink(name));
        } else if (sscanf(line, "%31s", command) == 1) {
            printf("what is %s?\n", command);
        }
    }
    return 0;
}
