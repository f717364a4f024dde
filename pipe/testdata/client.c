#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const char *tmp = getenv("TMPDIR");
    char answer[256];
    ssize_t n;

    if (argc != 2 || snprintf(addr.sun_path, sizeof addr.sun_path, "%s/CoreFxPipe_%s",
                              tmp && *tmp ? tmp : "/tmp", argv[1]) >= (int)sizeof addr.sun_path)
        return 2;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        perror(addr.sun_path);
        return 1;
    }
    if (send(fd, "hello\n", 6, MSG_NOSIGNAL) != 6)
        return 1;
    while ((n = read(fd, answer, sizeof answer)) > 0)
        fwrite(answer, 1, n, stdout);
    return n != 0;
}
