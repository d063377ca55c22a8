/* SPDX-License-Identifier: MIT */
/*
 * Is KVM usable? A node in /dev says little, so a child makes a VM of one page and lets it run a
 * few instructions. Even that is not a whole guest kernel: nested without hardware support, small
 * programs run and Linux does not boot.
 */
#include "check_item.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST_ADDRESS 0x1000u
#define GUEST_PAGE    4096u
#define GUEST_PORT    0xe9
#define GUEST_BYTE    0x2a
#define TRIAL_MS      2000

struct trial {
	char step[32];
	int32_t error; /* 0: went well */
};

struct guest {
	int vm, vcpu;
	struct kvm_run *run;
};

static int fail(struct trial *trial, const char *step, int error)
{
	snprintf(trial->step, sizeof(trial->step), "%s", step);
	trial->error = error > 0 ? error : EIO;
	return -1;
}

static int give_memory(int vm, struct trial *trial)
{
	/* mov $GUEST_BYTE, %al; out %al, $GUEST_PORT; hlt */
	static const uint8_t code[] = {0xb0, GUEST_BYTE, 0xe6, GUEST_PORT, 0xf4};
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_ADDRESS,
		.memory_size = GUEST_PAGE,
	};
	void *page = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return fail(trial, "mmap", errno);
	memcpy(page, code, sizeof(code));
	region.userspace_addr = (uintptr_t)page;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return fail(trial, "KVM_SET_USER_MEMORY_REGION", errno);
	return 0;
}

static int make_vcpu(int kvm, struct guest *guest, struct trial *trial)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, 0);
	if (size < 0 || guest->vcpu < 0)
		return fail(trial, "KVM_CREATE_VCPU", errno);
	guest->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
	if (guest->run == MAP_FAILED)
		return fail(trial, "mmap of the vCPU", errno);
	return 0;
}

static int set_registers(const struct guest *guest, struct trial *trial)
{
	struct kvm_regs regs = {.rip = GUEST_ADDRESS, .rflags = 2};
	struct kvm_sregs sregs;

	if (ioctl(guest->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return fail(trial, "KVM_GET_SREGS", errno);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(guest->vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(guest->vcpu, KVM_SET_REGS, &regs) < 0)
		return fail(trial, "KVM_SET_REGS", errno);
	return 0;
}

static int run_instructions(const struct guest *guest, struct trial *trial)
{
	const struct kvm_run *run = guest->run;

	if (ioctl(guest->vcpu, KVM_RUN, 0) < 0)
		return fail(trial, "KVM_RUN", errno);
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != GUEST_PORT ||
	    *((const uint8_t *)run + run->io.data_offset) != GUEST_BYTE)
		return fail(trial, "the guest's instructions", EIO);
	return 0;
}

static void try_guest(int root_fd, struct trial *trial)
{
	int kvm = openat(root_fd, "dev/kvm", O_RDWR | O_CLOEXEC);
	struct guest guest = {.vm = -1};

	if (kvm < 0) {
		fail(trial, "/dev/kvm", errno);
		return;
	}
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		fail(trial, "KVM_GET_API_VERSION", errno);
		return;
	}
	guest.vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (guest.vm < 0) {
		fail(trial, "KVM_CREATE_VM", errno);
		return;
	}
	/* Intel's real mode without unrestricted guests needs three pages; elsewhere it is ignored. */
	ioctl(guest.vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
	if (give_memory(guest.vm, trial) == 0 && make_vcpu(kvm, &guest, trial) == 0 &&
	    set_registers(&guest, trial) == 0)
		run_instructions(&guest, trial);
}

/* Reads the child's result, or says that there was none. */
static void await_trial(int fd, struct trial *trial)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	if (poll(&poll_fd, 1, TRIAL_MS) != 1) {
		fail(trial, "KVM_RUN", ETIMEDOUT);
		return;
	}
	if (read(fd, trial, sizeof(*trial)) != (ssize_t)sizeof(*trial))
		fail(trial, "the trial's process", EIO);
	trial->step[sizeof(trial->step) - 1] = '\0';
}

/* A child that the kernel does not let go of is left to init, not waited for. */
static void end_child(pid_t pid)
{
	int i;

	kill(pid, SIGKILL);
	for (i = 0; i < 100 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		usleep(10000);
}

static int run_trial(const struct check_host *host, struct trial *trial)
{
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		try_guest(host->root_fd, trial);
		_exit(write(pipe_fd[1], trial, sizeof(*trial)) != (ssize_t)sizeof(*trial));
	}
	close(pipe_fd[1]);
	if (pid > 0) {
		await_trial(pipe_fd[0], trial);
		end_child(pid);
	}
	close(pipe_fd[0]);
	return pid < 0 ? -EAGAIN : 0;
}

int check_kvm_try(void)
{
	struct check_host host = {.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
	struct trial trial = {.error = 0};
	int r = host.root_fd < 0 ? -errno : run_trial(&host, &trial);

	if (host.root_fd >= 0)
		close(host.root_fd);
	return r < 0 ? r : -trial.error;
}

static void say_unusable(const struct check_host *host, struct check_item *item, const struct trial *trial)
{
	enum check_state state = host->wants_kvm ? CHECK_FAULT : CHECK_WARNING;

	check_found(item, state, "%s: %s", trial->step, strerror(trial->error));
	if (trial->error == ENOENT || trial->error == ENODEV || trial->error == ENXIO)
		check_remedy(item, "turn on virtualization in the firmware and load kvm_intel or kvm_amd; or "
				   "-accel tcg, "
				   "slower");
	else if (trial->error == EACCES || trial->error == EPERM)
		check_remedy(item, "add this user to the group kvm; or -accel tcg, slower");
	else
		check_remedy(item, "use -accel tcg, slower; dmesg may say why KVM fails");
}

/* Instructions ran. What is known of the hardware below says whether a kernel will. */
static void say_usable(const struct check_host *host, struct check_item *item)
{
	bool guest = check_cpu_flag(host, "hypervisor") == 1;
	bool hardware = check_cpu_flag(host, "vmx") == 1 || check_cpu_flag(host, "svm") == 1;

	if (hardware && !guest) {
		check_found(item, CHECK_OK, "opens and runs instructions");
		return;
	}
	if (hardware) {
		check_found(item, CHECK_WARNING,
			    "opens and runs instructions; nested, so that each exit is dear");
		check_remedy(item, "bare hardware for real-time guests");
		return;
	}
	check_found(item, CHECK_WARNING,
		    "opens and runs instructions, but this CPU shows no vmx or svm: a real guest kernel has "
		    "to be "
		    "tried");
	check_remedy(item,
		     "if a guest kernel prints nothing within seconds under -accel kvm, use -accel tcg");
}

void check_kvm(const struct check_host *host, struct check_item *item)
{
	struct trial trial = {.error = 0};

	if (!host->live) {
		check_found(item, CHECK_UNKNOWN, "not tried: this is a copied tree");
		return;
	}
	if (run_trial(host, &trial) < 0)
		check_found(item, CHECK_UNKNOWN, "not tried: no process or pipe could be made");
	else if (trial.error)
		say_unusable(host, item, &trial);
	else
		say_usable(host, item);
}
