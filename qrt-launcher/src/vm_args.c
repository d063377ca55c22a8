/* SPDX-License-Identifier: MIT */
#include "vm_args.h"

#include "vm_args_pair.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAX 64 /* workers that QEMU gives to one event loop */

static bool is_unnamed(const struct vm_args_pair *pair)
{
	static const char *const offs[] = {"off", "no", "n", "false"};
	size_t i;

	for (i = 0; strcmp(pair->key, "debug-threads") == 0 && i < G_N_ELEMENTS(offs); i++) {
		if (strcmp(pair->value, offs[i]) == 0)
			return true;
	}
	return false;
}

bool vm_args_leaves_unnamed(const char *text)
{
	struct vm_args_pair pair;

	vm_args_take_pair(text, "", &pair);
	return is_unnamed(&pair);
}

/* As QEMU reads numbers: 0x10 is one, too. */
static bool read_count(const char *text, uint32_t *ret_count)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	*ret_count = n > 65536 ? 65536 : (uint32_t)n;
	return g_ascii_isdigit(*text) && *end == '\0';
}

static void read_smp_pair(struct vm_args *args, const struct vm_args_pair *pair)
{
	static const char *const parts[] = {"sockets",  "drawers", "books", "dies",
					    "clusters", "modules", "cores", "threads"};
	bool is_cpus = strcmp(pair->key, "cpus") == 0, is_known = is_cpus, is_number;
	uint32_t count;
	size_t i;

	is_number = read_count(pair->value, &count);
	if (is_cpus)
		args->cpus = count;
	if (strcmp(pair->key, "maxcpus") == 0) {
		args->maxcpus = count;
		is_known = true;
	}
	for (i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (strcmp(pair->key, parts[i]) != 0)
			continue;
		is_known = true;
		if (count > 0 && args->topology < 65536)
			args->topology *= count;
	}
	if (is_known && (!is_number || (is_cpus && count == 0)))
		snprintf(args->smp_wrong, sizeof(args->smp_wrong), "%.12s=%.64s", pair->key, pair->value);
}

static void read_smp(struct vm_args *args, const char *value)
{
	struct vm_args_pair pair;

	while (*value) {
		value = vm_args_take_pair(value, "cpus", &pair);
		read_smp_pair(args, &pair);
	}
}

static void read_name(struct vm_args *args, const char *value)
{
	struct vm_args_pair pair;

	while (*value) {
		value = vm_args_take_pair(value, "guest", &pair);
		if (strcmp(pair.key, "guest") == 0)
			snprintf(args->name, sizeof(args->name), "%.64s", pair.value);
		args->unnamed |= is_unnamed(&pair);
	}
}

/* Several -accel and "kvm:tcg" are tried one after the other. */
static void read_accel(struct vm_args *args, const char *list)
{
	g_auto(GStrv) names = g_strsplit(list, ":", -1);
	size_t i;

	for (i = 0; names[i]; i++) {
		if (strcmp(names[i], "kvm") == 0 && args->accel == VM_ACCEL_UNNAMED)
			args->accel = VM_ACCEL_KVM;
		else if (strcmp(names[i], "tcg") == 0 && args->accel == VM_ACCEL_UNNAMED)
			args->accel = VM_ACCEL_TCG;
		else if (strcmp(names[i], "tcg") == 0 && args->accel == VM_ACCEL_KVM)
			args->accel = VM_ACCEL_KVM_OR_TCG;
	}
}

static bool is_without_pci(const char *machine)
{
	static const char *const names[] = {"none", "isapc", "microvm"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(machine, names[i]) == 0)
			return true;
	}
	return false;
}

static void read_machine(struct vm_args *args, const char *value)
{
	struct vm_args_pair pair;

	while (*value) {
		value = vm_args_take_pair(value, "type", &pair);
		if (strcmp(pair.key, "accel") == 0)
			read_accel(args, pair.value);
		if (strcmp(pair.key, "type") == 0)
			args->lacks_pci = is_without_pci(pair.value);
		if (strcmp(pair.key, "pcie") == 0)
			args->has_pcie = strcmp(pair.value, "on") == 0;
		if (strncmp(pair.key, "smp.", 4) == 0) {
			memmove(pair.key, pair.key + 4, strlen(pair.key + 4) + 1);
			read_smp_pair(args, &pair);
		}
	}
}

static void read_accel_option(struct vm_args *args, const char *value)
{
	struct vm_args_pair pair;

	vm_args_take_pair(value, "accel", &pair);
	if (strcmp(pair.key, "accel") == 0)
		read_accel(args, pair.value);
}

static bool is_iothread_json(const char *text)
{
	JsonNode *node = json_from_string(text, NULL);
	JsonObject *object = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	const char *type = object ? json_object_get_string_member_with_default(object, "qom-type", "") : "";
	bool is = g_strcmp0(type, "iothread") == 0;

	if (node)
		json_node_unref(node);
	return is;
}

static bool is_iothread(const char *value)
{
	struct vm_args_pair pair;

	if (*value == '{')
		return is_iothread_json(value);
	while (*value) {
		value = vm_args_take_pair(value, "qom-type", &pair);
		if (strcmp(pair.key, "qom-type") == 0)
			return strcmp(pair.value, "iothread") == 0;
	}
	return false;
}

static void read_object(struct vm_args *args, const char *value)
{
	args->vm.iothreads += is_iothread(value);
	if (strstr(value, "thread-pool-max"))
		args->vm.paio_max = 0;
}

static void read_vnc(struct vm_args *args, const char *value)
{
	args->vm.vnc = strcmp(value, "none") != 0;
}

static void read_display(struct vm_args *args, const char *value)
{
	if (strncmp(value, "vnc", 3) == 0)
		args->vm.vnc = 1;
}

static void read_plan(struct vm_args *args, const char *value)
{
	(void)value;
	args->has_plan = true;
}

static const struct {
	const char *name;
	void (*read)(struct vm_args *args, const char *value);
} readers[] = {
	{"smp", read_smp},   {"name", read_name},          {"machine", read_machine},
	{"M", read_machine}, {"accel", read_accel_option}, {"object", read_object},
	{"vnc", read_vnc},   {"display", read_display},    {"rt", read_plan},
};

static const char *strip_dashes(const char *argument)
{
	return argument + 1 + (argument[1] == '-');
}

static void read_flag(struct vm_args *args, const char *name)
{
	if (strcmp(name, "daemonize") == 0)
		args->daemonize = true;
	else if (strcmp(name, "enable-kvm") == 0)
		read_accel(args, "kvm");
}

static void read_value(struct vm_args *args, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(readers); i++) {
		if (strcmp(name, readers[i].name) == 0)
			readers[i].read(args, value);
	}
}

static void conclude(struct vm_args *args, const char *program)
{
	uint32_t vcpus = args->cpus > args->topology ? args->cpus : args->topology;

	/* QEMU looks at its own name where nobody names an accelerator. */
	if (args->accel == VM_ACCEL_UNNAMED && g_str_has_suffix(program, "kvm"))
		args->accel = VM_ACCEL_KVM_OR_TCG;
	args->lacks_pci &= !args->has_pcie;
	args->vm.vcpus = args->maxcpus > 0 ? args->maxcpus : vcpus;
	if (args->vm.paio_max > 0)
		args->vm.paio_max = POOL_MAX * (1 + args->vm.iothreads);
}

void vm_args_read(int argc, char *const *argv, struct vm_args *ret_args)
{
	struct vm_args args = {.vm = {.size = sizeof(args.vm), .paio_max = POOL_MAX}, .topology = 1};
	int i;

	for (i = 1; i < argc; i++) {
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			continue;
		if (!vm_args_takes_value(argv[i])) {
			read_flag(&args, strip_dashes(argv[i]));
		} else if (i + 1 < argc) {
			read_value(&args, strip_dashes(argv[i]), argv[i + 1]);
			i++;
		}
	}
	conclude(&args, argv[0]);
	*ret_args = args;
}
