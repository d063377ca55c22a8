/* SPDX-License-Identifier: MIT */
#include "plan_request.h"
#include "vm_args.h"

void plan_request_read_vm(struct plan_request *request)
{
	struct vm_args args;

	vm_args_read(request->vm_argc, request->vm_argv, &args);
	request->vm = args.vm;
	request->vm.tcg = !args.kvm;
	request->wants_kvm = args.kvm;
}
