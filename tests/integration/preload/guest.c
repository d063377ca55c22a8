/* SPDX-License-Identifier: MIT */
/* A virtual machine monitor in small, that knows nothing of us: guests of a few instructions under KVM. Its
 * first argument says what it does, or GUEST_MODE in its environment; it prints how its vCPUs' threads run
 * meanwhile. 77: there is no KVM. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CODE_AT 0x1000
#define NO_KVM  77

/* out 0x10, al; and again */
static const unsigned char exits_for_ever[] = {0xe6, 0x10, 0xeb, 0xfc};
/* jumps to itself */
static const unsigned char spins_for_ever[] = {0xeb, 0xfe};

struct vcpu {
	int fd, vm;
	struct kvm_run *run;
	char name[16];
	_Atomic pid_t tid;
	_Atomic int step; /* how far it is, for the main thread */
	void (*work)(struct vcpu *vcpu);
};

static int argument;

static void show(const char *label, pid_t tid)
{
	struct sched_param param = {0};
	char line[80];
	int len;

	sched_getparam(tid, &param);
	len = snprintf(line, sizeof(line), "%s|%x|%d\n", label, (unsigned)sched_getscheduler(tid),
		       param.sched_priority);
	if (write(1, line, (size_t)len) != len)
		exit(3);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void rest(int ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&ts, &ts) < 0)
		;
}

/* ---- a machine ---- */

static int make_vm(int kvm, const unsigned char *code, size_t size)
{
	struct kvm_userspace_memory_region region = {.memory_size = 0x10000};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	unsigned char *memory;

	if (vm < 0)
		exit(NO_KVM);
	memory = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(memory + CODE_AT, code, size);
	region.userspace_addr = (unsigned long)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		exit(4);
	return vm;
}

static void make_vcpu(struct vcpu *vcpu, int kvm, int number)
{
	struct kvm_regs regs = {.rip = CODE_AT, .rflags = 2};
	struct kvm_sregs sregs;

	vcpu->fd = ioctl(vcpu->vm, KVM_CREATE_VCPU, (unsigned long)number);
	vcpu->run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);
	if (vcpu->fd < 0 || vcpu->run == MAP_FAILED || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		exit(5);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		exit(6);
}

/* 1 when the guest accessed its port. */
static int run_once(struct vcpu *vcpu)
{
	int rc = ioctl(vcpu->fd, KVM_RUN, 0);

	if (rc < 0 && errno == EINTR)
		return 0;
	if (rc < 0 || vcpu->run->exit_reason != KVM_EXIT_IO) {
		fprintf(stderr, "no port access: %d, reason %u\n", rc < 0 ? errno : 0,
			vcpu->run->exit_reason);
		exit(7);
	}
	return 1;
}

static void *body(void *data)
{
	struct vcpu *vcpu = data;

	vcpu->tid = (pid_t)syscall(SYS_gettid);
	pthread_setname_np(pthread_self(), vcpu->name);
	vcpu->work(vcpu);
	return NULL;
}

/* ---- what vCPUs do ---- */

static void access_ports(struct vcpu *vcpu)
{
	int i;

	show("born", 0);
	for (i = 0; i < argument; i++) {
		run_once(vcpu);
		show("emulating", 0);
	}
}

static void be_interrupted(struct vcpu *vcpu)
{
	vcpu->step = 1;
	while (run_once(vcpu))
		;
	show("interrupted", 0);
	vcpu->step = 2;
}

/* Emulates for so many ms, or until it is no more raised. */
static void emulate_long(struct vcpu *vcpu)
{
	struct sched_param now, raised;
	double begin, until;

	run_once(vcpu);
	begin = seconds();
	until = begin + argument / 1000.0;
	sched_getparam(0, &raised);
	show("emulating", 0);
	do
		sched_getparam(0, &now);
	while (now.sched_priority == raised.sched_priority && seconds() < until);
	show(seconds() < until ? "ended" : "never ended", 0);
	run_once(vcpu);
	show("emulating again", 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void sleep_after_exit(struct vcpu *vcpu)
{
	run_once(vcpu);
	show("emulating", 0);
	pthread_mutex_lock(&mutex);
	vcpu->step = 1;
	while (vcpu->step == 1)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	show("woken", 0);
	run_once(vcpu);
	show("emulating", 0);
}

static void fork_after_exit(struct vcpu *vcpu)
{
	pid_t child;

	run_once(vcpu);
	child = fork();
	if (child == 0) {
		show("child", 0);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	show("emulating", 0);
}

static void do_nothing(struct vcpu *vcpu)
{
	(void)vcpu;
}

/* From here on it is known that threads with this body name themselves. */
static void start_helper(void)
{
	struct vcpu helper = {.name = "worker", .work = do_nothing};
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, &helper))
		exit(8);
	pthread_join(thread, NULL);
}

static void only_show(struct vcpu *vcpu)
{
	(void)vcpu;
	show("born", 0);
}

/* ---- the main thread ---- */

static void nothing(int number)
{
	(void)number;
}

static void kick(struct vcpu *vcpu, pthread_t thread)
{
	const struct sigaction action = {.sa_handler = nothing};
	int tries;

	sigaction(SIGUSR1, &action, NULL);
	while (vcpu->step < 1)
		rest(1);
	rest(30);
	show("guest", vcpu->tid);
	/* One that comes too early interrupts nothing. */
	for (tries = 0; vcpu->step < 2 && tries < 1000; tries++) {
		pthread_kill(thread, SIGUSR1);
		rest(5);
	}
}

static void wake(struct vcpu *vcpu)
{
	int is_asleep = 0;

	while (!is_asleep) {
		pthread_mutex_lock(&mutex);
		is_asleep = vcpu->step == 1;
		pthread_mutex_unlock(&mutex);
		rest(1);
	}
	rest(20);
	show("sleeping", vcpu->tid);
	pthread_mutex_lock(&mutex);
	vcpu->step = 2;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&mutex);
}

static const struct {
	const char *name;
	void (*work)(struct vcpu *vcpu);
	int vcpus;
	const char *suffix;
} modes[] = {
	{"ports", access_ports, 1, "KVM"},
	{"threads", access_ports, 3, "KVM"},
	{"interrupt", be_interrupted, 1, "KVM"},
	{"long", emulate_long, 1, "KVM"},
	{"sleep", sleep_after_exit, 1, "KVM"},
	{"fork", fork_after_exit, 1, "KVM"},
	{"tcg", only_show, 2, "TCG"},
};

static void run_mode(size_t mode)
{
	int is_spinning = modes[mode].work == be_interrupted, i;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;
	struct vcpu vcpus[3] = {{.fd = -1}};
	pthread_t threads[3] = {0};

	if (kvm < 0)
		exit(NO_KVM);
	vm = is_spinning ? make_vm(kvm, spins_for_ever, sizeof(spins_for_ever))
			 : make_vm(kvm, exits_for_ever, sizeof(exits_for_ever));
	start_helper();
	for (i = 0; i < modes[mode].vcpus; i++) {
		vcpus[i].vm = vm;
		vcpus[i].work = modes[mode].work;
		snprintf(vcpus[i].name, sizeof(vcpus[i].name), "CPU %d/%s", i, modes[mode].suffix);
		make_vcpu(&vcpus[i], kvm, i);
		if (pthread_create(&threads[i], NULL, body, &vcpus[i]))
			exit(8);
	}
	if (is_spinning)
		kick(&vcpus[0], threads[0]);
	if (modes[mode].work == sleep_after_exit)
		wake(&vcpus[0]);
	for (i = 0; i < modes[mode].vcpus; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	const char *mode = getenv("GUEST_MODE"), *value = getenv("GUEST_ARGUMENT");
	size_t i;

	alarm(60);
	if (!mode) {
		mode = argc > 1 ? argv[1] : "";
		value = argc > 2 ? argv[2] : NULL;
	}
	argument = value ? atoi(value) : 1;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(mode, modes[i].name))
			continue;
		run_mode(i);
		return 0;
	}
	return 2;
}
