/* The C side of the tests: does what each line of its standard input says, with
 * shm_open and mmap, and answers with one line. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *base;
static size_t size;

static int attach(const char *name, int flags, long length)
{
    char path[256];
    struct stat info;

    snprintf(path, sizeof path, "/%s", name);
    int fd = shm_open(path, flags, 0600);
    if (fd < 0)
        return perror("shm_open"), -1;
    if (length > 0 && ftruncate(fd, length) != 0)
        return perror("ftruncate"), -1;
    if (fstat(fd, &info) != 0)
        return perror("fstat"), -1;
    size = info.st_size;
    base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return perror("mmap"), -1;
    return 0;
}

int main(void)
{
    char line[1024], command[32], name[256], text[256];
    long at, n;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "create %255s %ld", name, &n) == 2) {
            if (attach(name, O_RDWR | O_CREAT | O_EXCL, n) != 0)
                return 1;
            printf("%zu\n", size);
        } else if (sscanf(line, "attach %255s", name) == 1) {
            if (attach(name, O_RDWR, 0) != 0)
                return 1;
            printf("%zu\n", size);
        } else if (sscanf(line, "write %ld %255s", &at, text) == 2) {
            memcpy(base + at, text, strlen(text));
            printf("written\n");
        } else if (sscanf(line, "read %ld %ld", &at, &n) == 2) {
            printf("%.*s\n", (int)n, base + at);
        } else if (sscanf(line, "add %ld %ld", &at, &n) == 2) {
            for (; n > 0; n--)
                __atomic_add_fetch((uint64_t *)(base + at), 1, __ATOMIC_SEQ_CST);
            printf("added\n");
        } else if (sscanf(line, "unlink %255s", name) == 1) {
            snprintf(text, sizeof text, "/%.250s", name);
            printf("%d\n", shm_unlink(text));
        } else if (sscanf(line, "%31s", command) == 1) {
            printf("what is %s?\n", command);
        }
    }
    return 0;
}
