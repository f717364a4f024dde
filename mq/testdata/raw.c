#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* In Go:

   type sample struct {
           Sensor  uint16
           Celsius float64
           Flags   [3]uint8
   }
*/
struct sample {
    uint16_t sensor;
    double celsius;
    uint8_t flags[3];
};

/* raw /NAME receives a sample, doubles it, and sends it back */
int main(int argc, char **argv)
{
    char body[8192]; /* mq_msgsize of the queue, or more */
    struct sample s;

    mqd_t q = argc == 2 ? mq_open(argv[1], O_RDWR) : (mqd_t)-1;
    if (q == (mqd_t)-1 || mq_receive(q, body, sizeof body, NULL) != sizeof s) {
        perror("mq_receive");
        return 1;
    }
    memcpy(&s, body, sizeof s);
    printf("%u %g %u\n", s.sensor, s.celsius, s.flags[2]);
    s.celsius *= 2;
    if (mq_send(q, (const char *)&s, sizeof s, 0) != 0) {
        perror("mq_send");
        return 1;
    }
    return 0;
}
