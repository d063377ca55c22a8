/* SPDX-License-Identifier: MIT */
#include "vm_args.h"

#include <glib.h>
#include <string.h>

/* QEMU's options without a value, of 7.2 to 10.0; every other one has one. */
static const char *const flags[] = {
	"h",
	"help",
	"version",
	"S",
	"s",
	"snapshot",
	"nographic",
	"daemonize",
	"no-reboot",
	"no-shutdown",
	"nodefaults",
	"no-user-config",
	"enable-kvm",
	"no-acpi",
	"no-hpet",
	"no-fd-bootchk",
	"preconfig",
	"singlestep",
	"mem-prealloc",
	"full-screen",
	"alt-grab",
	"ctrl-grab",
	"no-quit",
	"sdl",
	"curses",
	"usb",
	"only-migratable",
	"win2k-hack",
	"xen-attach",
	"xen-domid-restrict",
	"semihosting",
	"one-insn-per-tb",
	"portrait",
	"enable-hax",
	"enable-fips",
	"enable-sync-profile",
	"audio-help",
	"no-kvm-pit-reinjection",
	"perfmap",
	"jitdump",
	"nouserconfig",
	"no-frame",
	"old-param",
	"show-cursor",
};

bool vm_args_takes_value(const char *argument)
{
	const char *name;
	size_t i;

	if (argument[0] != '-' || argument[1] == '\0')
		return false;
	name = argument + 1 + (argument[1] == '-');
	for (i = 0; i < G_N_ELEMENTS(flags); i++) {
		if (strcmp(name, flags[i]) == 0)
			return false;
	}
	return true;
}
