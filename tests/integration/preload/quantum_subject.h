/* SPDX-License-Identifier: MIT */
#ifndef QRT_TESTS_QUANTUM_SUBJECT_H
#define QRT_TESTS_QUANTUM_SUBJECT_H

#include <stddef.h>

#define QUANTUM_WAIT_NS 20000000 /* what each of them waits for */

struct quantum_wait {
	const char *name;
	int (*call)(void); /* negative: see errno */
};

extern const struct quantum_wait quantum_waits[];
extern const size_t quantum_wait_count;

/* In quantum_waits_ipc.c. */
int call_semtimedop(void);
int call_semop(void);
int call_msgrcv(void);
int call_msgsnd(void);
int call_recv(void);
int call_recvfrom(void);
int call_recvmsg(void);
int call_recvmmsg(void);
int call_read(void);
int call_readv(void);
int call_send(void);
int call_sendto(void);
int call_sendmsg(void);
int call_sendmmsg(void);
int call_write(void);
int call_writev(void);
int call_accept(void);
int call_accept4(void);
int call_connect(void);

/* Sleeps, interrupted or not. */
void quantum_subject_pause(unsigned us);

#endif
