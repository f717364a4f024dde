/* echo THERE BACK answers each message of the ring in the file THERE by one on the ring
 * BACK whose bytes are in reverse, until the message is empty or all zeros. */
#include "../../docs/ring.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct bwring in, out;
	if (argc != 3 || bwring_open(&in, argv[1]) || bwring_claim_receiver(&in) || bwring_open(&out, argv[2]) || bwring_claim_sender(&out)) {
		perror("echo");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (int last = 0; !last;) {
		size_t n;
		const unsigned char *p = bwring_receive(&in, &n);
		unsigned char *q = bwring_loan(&out, n);
		last = 1;
		for (size_t i = 0; i < n; i++) {
			last &= !p[i];
			q[n - 1 - i] = p[i];
		}
		bwring_release(&in);
		bwring_send(&out);
	}
	return 0;
}
