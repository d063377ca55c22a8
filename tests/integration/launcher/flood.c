/* SPDX-License-Identifier: MIT */
/* A QEMU that somebody else took over: it tells its supervisor of its main thread without end, for a minute.
 */
#include <qrt/sched.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define SECONDS 60

/* The socket that the preload library has. */
static int find_broker(void)
{
	int fd, type;
	socklen_t len;

	for (fd = 3; fd < 256; fd++) {
		len = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			return fd;
	}
	return -1;
}

static void *flood(void *data)
{
	const int *fd = data;
	struct qrt_sched_broker_message message = {.magic = QRT_SCHED_BROKER_MAGIC,
						   .op = QRT_SCHED_BROKER_PLACED,
						   .tid = (int32_t)getpid(),
						   .role = QRT_SCHED_ROLE_MAIN,
						   .name = "main"};
	time_t end = time(NULL) + SECONDS;

	while (time(NULL) < end)
		(void)!send(*fd, &message, sizeof(message), MSG_NOSIGNAL);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	int fd = find_broker(), i;

	if (fd < 0)
		return 1;
	puts("flooding");
	fflush(stdout);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, flood, &fd);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
