#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char name[256];
    struct stat info;

    if (argc != 2 || snprintf(name, sizeof name, "/%s", argv[1]) >= (int)sizeof name)
        return 2;
    int fd = shm_open(name, O_RDWR, 0);
    if (fd < 0 || fstat(fd, &info) != 0) {
        perror(name);
        return 1;
    }
    int64_t *words = mmap(NULL, info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (words == MAP_FAILED)
        return 1;
    printf("%lld\n", (long long)words[0]);
    words[1] = 42;
    return munmap(words, info.st_size);
}
