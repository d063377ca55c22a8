/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tap.h"
#include "vm_args.h"

#define ARGS_MAX 16

/* Reads "qemu" and the words. */
static struct vm_args read_words(const char *const *words)
{
	char *argv[ARGS_MAX + 1] = {(char *)"qemu"};
	struct vm_args args;
	int argc = 1;

	while (argc < ARGS_MAX && words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	vm_args_read(argc, argv, &args);
	return args;
}

#define READ(...) read_words((const char *const[]){__VA_ARGS__, NULL})

static void test_vcpus(void)
{
	CU_ASSERT_EQUAL(READ("-S").vm.vcpus, 1);
	CU_ASSERT_EQUAL(READ("-smp", "4").vm.vcpus, 4);
	CU_ASSERT_EQUAL(READ("--smp", "cpus=3").vm.vcpus, 3);
	CU_ASSERT_EQUAL(READ("-smp", "2,maxcpus=8").vm.vcpus, 8);
	CU_ASSERT_EQUAL(READ("-smp", "sockets=2,cores=3,threads=2").vm.vcpus, 12);
	CU_ASSERT_EQUAL(READ("-smp", "cpus=2,sockets=2,cores=2").vm.vcpus, 4);
	CU_ASSERT_EQUAL(READ("-smp", "2", "-smp", "maxcpus=6").vm.vcpus, 6);
	CU_ASSERT_EQUAL(READ("-machine", "pc,smp.cpus=2,smp.maxcpus=5").vm.vcpus, 5);
}

static void test_nonsense_is_bounded(void)
{
	CU_ASSERT_EQUAL(READ("-smp", "99999999999").vm.vcpus, 65536);
	CU_ASSERT(READ("-smp", "sockets=65536,cores=65536,threads=65536").vm.vcpus >= 65536);
	CU_ASSERT_EQUAL(READ("-smp", "").vm.vcpus, 1);
	CU_ASSERT_EQUAL(READ("-smp").vm.vcpus, 1);
	CU_ASSERT_EQUAL(READ("-smp", "x=y,=,,,cpus").vm.vcpus, 1);
	CU_ASSERT_EQUAL(READ("-", "--", "", "-object", "{").vm.iothreads, 0);
}

static void test_values_are_not_options(void)
{
	CU_ASSERT_EQUAL(READ("-append", "-smp", "4").vm.vcpus, 1);
	CU_ASSERT_EQUAL(READ("-nodefaults", "-smp", "4").vm.vcpus, 4);
	CU_ASSERT_FALSE(READ("-append", "-daemonize").daemonize);
	CU_ASSERT_TRUE(READ("-daemonize").daemonize);
}

static void test_iothreads(void)
{
	CU_ASSERT_EQUAL(READ("-object", "iothread,id=a", "-object", "iothread,id=b").vm.iothreads, 2);
	CU_ASSERT_EQUAL(READ("-object", "id=a,qom-type=iothread").vm.iothreads, 1);
	CU_ASSERT_EQUAL(READ("-object", "{\"qom-type\":\"iothread\",\"id\":\"a\"}").vm.iothreads, 1);
	CU_ASSERT_EQUAL(READ("-object", "{\"qom-type\":\"rng-random\",\"id\":\"iothread\"}").vm.iothreads, 0);
	CU_ASSERT_EQUAL(READ("-object", "memory-backend-ram,id=iothread").vm.iothreads, 0);
	CU_ASSERT_EQUAL(READ("-device", "virtio-blk-pci,iothread=a").vm.iothreads, 0);
}

static void test_name(void)
{
	CU_ASSERT_STRING_EQUAL(READ("-name", "a").name, "a");
	CU_ASSERT_STRING_EQUAL(READ("-name", "guest=b,process=p").name, "b");
	CU_ASSERT_STRING_EQUAL(READ("-name", "a,,b,debug-threads=off").name, "a,b");
	CU_ASSERT_STRING_EQUAL(READ("-name", "process=p").name, "");
	CU_ASSERT_STRING_EQUAL(READ("-name", "a", "-name", "guest=c").name, "c");
	CU_ASSERT_TRUE(READ("-name", "a,debug-threads=off").unnamed);
	CU_ASSERT_FALSE(READ("-name", "a,debug-threads=on").unnamed);
}

/* Every word that QEMU takes for it. */
static void test_unnamed(void)
{
	CU_ASSERT_TRUE(READ("-name", "debug-threads=no").unnamed);
	CU_ASSERT_TRUE(READ("-name", "debug-threads=n,guest=a").unnamed);
	CU_ASSERT_TRUE(READ("-name", "a", "-name", "debug-threads=false").unnamed);
	CU_ASSERT_FALSE(READ("-name", "a,,debug-threads=off").unnamed);
	CU_ASSERT_TRUE(vm_args_leaves_unnamed("debug-threads=off,guest=a"));
	CU_ASSERT_FALSE(vm_args_leaves_unnamed("guest=a,debug-threads=off"));
	CU_ASSERT_STRING_EQUAL(vm_args_skip_pair("guest=a,,b,process=c"), "process=c");
	CU_ASSERT_STRING_EQUAL(vm_args_skip_pair("guest=a,,"), "");
	CU_ASSERT_STRING_EQUAL(vm_args_skip_pair(""), "");
}

static void test_accelerator(void)
{
	CU_ASSERT_EQUAL(READ("-enable-kvm").accel, VM_ACCEL_KVM);
	CU_ASSERT_EQUAL(READ("-accel", "kvm,kernel-irqchip=split").accel, VM_ACCEL_KVM);
	CU_ASSERT_EQUAL(READ("-machine", "q35,accel=kvm").accel, VM_ACCEL_KVM);
	CU_ASSERT_EQUAL(READ("-accel", "tcg").accel, VM_ACCEL_TCG);
	CU_ASSERT_EQUAL(READ("-accel", "tcg", "-accel", "kvm").accel, VM_ACCEL_TCG);
	CU_ASSERT_EQUAL(READ("-S").accel, VM_ACCEL_UNNAMED);
}

static void test_accelerator_to_fall_back_to(void)
{
	char *argv[] = {(char *)"/usr/bin/qemu-kvm", NULL};
	struct vm_args args;

	CU_ASSERT_EQUAL(READ("-machine", "q35,accel=kvm:tcg").accel, VM_ACCEL_KVM_OR_TCG);
	CU_ASSERT_EQUAL(READ("-accel", "kvm", "-accel", "tcg,thread=multi").accel, VM_ACCEL_KVM_OR_TCG);
	CU_ASSERT_EQUAL(READ("-machine", "accel=tcg:kvm").accel, VM_ACCEL_TCG);
	vm_args_read(1, argv, &args);
	CU_ASSERT_EQUAL(args.accel, VM_ACCEL_KVM_OR_TCG);
}

static void test_smp_that_is_none(void)
{
	CU_ASSERT_STRING_EQUAL(READ("-smp", "0").smp_wrong, "cpus=0");
	CU_ASSERT_STRING_EQUAL(READ("-smp", "foo").smp_wrong, "cpus=foo");
	CU_ASSERT_STRING_EQUAL(READ("-smp", "2x").smp_wrong, "cpus=2x");
	CU_ASSERT_STRING_EQUAL(READ("-smp", "2,maxcpus=").smp_wrong, "maxcpus=");
	CU_ASSERT_STRING_EQUAL(READ("-smp", "cores=-1").smp_wrong, "cores=-1");
	CU_ASSERT_STRING_EQUAL(READ("-machine", "pc,smp.cpus=x").smp_wrong, "cpus=x");
	CU_ASSERT_STRING_EQUAL(READ("-smp", "2,cores=2,unknown=x").smp_wrong, "");
	CU_ASSERT_STRING_EQUAL(READ("-smp", "0x4").smp_wrong, "");
	CU_ASSERT_EQUAL(READ("-smp", "0x4").vm.vcpus, 4);
}

static void test_vnc(void)
{
	CU_ASSERT_EQUAL(READ("-vnc", ":1").vm.vnc, 1);
	CU_ASSERT_EQUAL(READ("-vnc", "none").vm.vnc, 0);
	CU_ASSERT_EQUAL(READ("-display", "vnc=:1").vm.vnc, 1);
	CU_ASSERT_EQUAL(READ("-display", "none").vm.vnc, 0);
}

static void test_pci(void)
{
	CU_ASSERT_FALSE(READ("-S").lacks_pci);
	CU_ASSERT_FALSE(READ("-M", "q35").lacks_pci);
	CU_ASSERT_TRUE(READ("-M", "none").lacks_pci);
	CU_ASSERT_TRUE(READ("-machine", "accel=tcg,type=isapc").lacks_pci);
	CU_ASSERT_TRUE(READ("-M", "microvm,rtc=on").lacks_pci);
	CU_ASSERT_FALSE(READ("-M", "microvm,pcie=on").lacks_pci);
	CU_ASSERT_FALSE(READ("-M", "microvm", "-M", "pc").lacks_pci);
}

static const struct tap_test tests[] = {
	{"the most vCPUs that a VM can have", test_vcpus},
	{"nonsense gives a bounded shape", test_nonsense_is_bounded},
	{"an option's value is no option", test_values_are_not_options},
	{"iothreads in both ways to write them", test_iothreads},
	{"the guest's name", test_name},
	{"threads' names switched off, by every word for it", test_unnamed},
	{"KVM with nothing to fall back to, or TCG", test_accelerator},
	{"KVM with TCG to fall back to", test_accelerator_to_fall_back_to},
	{"an -smp that gives no number of CPUs is found", test_smp_that_is_none},
	{"a VNC server", test_vnc},
	{"machines without PCI", test_pci},
};

TAP_MAIN("vm_args", tests)
