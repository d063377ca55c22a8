/* SPDX-License-Identifier: MIT */
/* In a Linux guest, as root: publishes a number under a name, for the host to see, until it is ended or for
 * so many seconds. It needs headers alone: cc guest.c $(pkg-config --cflags libqrt-shmem) -static */
#include <qrt/shmem_guest.h>

static int publish(const struct qrt_shmem_guest *guest, const char *name, double number, long seconds)
{
	struct qrt_shmem_guest_value value;
	struct qrt_shmem_value read;
	int rc = qrt_shmem_guest_claim(guest, name, &value);

	if (rc < 0)
		return rc;
	rc = qrt_shmem_guest_publish_double(guest, &value, number);
	if (rc >= 0 && qrt_shmem_find_value(&guest->view, guest->slot, name, &read) >= 0)
		printf("%s of peer %u is %g\n", read.name, (unsigned int)guest->slot, read.is.real[0]);
	fflush(stdout);
	while (rc >= 0 && seconds-- > 0)
		sleep(1);
	qrt_shmem_guest_release(&value);
	return rc;
}

int main(int argc, char **argv)
{
	struct qrt_shmem_guest_config config;
	struct qrt_shmem_guest guest;
	int rc;

	if (argc < 3) {
		fprintf(stderr, "usage: %s NAME NUMBER [SECONDS]\n", argv[0]);
		return 2;
	}
	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	rc = qrt_shmem_guest_open(&config, &guest);
	if (rc >= 0) {
		rc = publish(&guest, argv[1], strtod(argv[2], NULL),
			     argc > 3 ? strtol(argv[3], NULL, 10) : 0);
		qrt_shmem_guest_close(&guest);
	}
	if (rc < 0)
		fprintf(stderr, "guest: %s\n", strerror(-rc));
	return rc < 0;
}
