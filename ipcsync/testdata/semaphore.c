#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    /* The name may begin with a slash or not. */
    sem_t *sem = argc == 2 ? sem_open(argv[1], O_CREAT, 0600, 2) : SEM_FAILED;

    if (sem == SEM_FAILED) {
        perror("sem_open");
        return 1;
    }
    while (sem_wait(sem) != 0)
        if (errno != EINTR)
            return 1;
    printf("working\n");
    sem_post(sem);
    return sem_close(sem);
}
