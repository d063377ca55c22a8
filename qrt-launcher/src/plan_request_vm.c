/* SPDX-License-Identifier: MIT */
/* What QEMU's arguments say about the VM, and what its accelerator will be. */
#include "check_item.h"
#include "command.h"
#include "plan_request.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

/* QEMU falls back when it cannot open KVM, as the user that it is to be. */
static bool is_kvm_usable(const struct launch_user *user)
{
	int status = 0;
	pid_t pid;

	if (!user->set)
		return check_kvm_try() == 0;
	pid = fork();
	if (pid == 0)
		_exit(launch_become(user) != 0 || check_kvm_try() < 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void take_accel(struct plan_request *request, enum vm_accel accel)
{
	request->accel = accel;
	if (accel == VM_ACCEL_KVM_OR_TCG)
		request->vm.tcg = !is_kvm_usable(&request->user);
	else
		request->vm.tcg = accel != VM_ACCEL_KVM;
}

int plan_request_read_vm(struct plan_request *request)
{
	struct vm_args args;

	/* A given plan is judged for any VM then, a default one is made for one vCPU. */
	if (request->vm_argc == 0) {
		request->vm.vcpus = !request->given || request->wants_default ? 1 : 0;
		return EXIT_OK;
	}
	vm_args_read(request->vm_argc, request->vm_argv, &args);
	if (args.smp_wrong[0]) {
		complain("%s: -smp %s: give a number of CPUs of 1 or more, such as -smp 2", request->command,
			 args.smp_wrong);
		return EXIT_USAGE;
	}
	request->vm = args.vm;
	vm_memory_read(request->vm_argc, request->vm_argv, &request->memory);
	take_accel(request, args.accel);
	return EXIT_OK;
}

const char *plan_request_describe_accel(const struct plan_request *request)
{
	if (request->vm_argc == 0)
		return "KVM (assumed: there are no QEMU arguments)";
	switch (request->accel) {
	case VM_ACCEL_UNNAMED:
		return "TCG (QEMU's choice: its arguments name no accelerator)";
	case VM_ACCEL_KVM_OR_TCG:
		return request->vm.tcg ? "TCG (KVM does not work here)" : "KVM (it works here)";
	default:
		return request->vm.tcg ? "TCG" : "KVM";
	}
}
