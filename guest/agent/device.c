/* SPDX-License-Identifier: MIT */
/* The shared memory's device, as programs of the guest find it, with words for people. */
#include <string.h>

#include "agent.h"

static const char *describe(int rc)
{
	switch (rc) {
	case -ENOTUNIQ:
		return "there are several ivshmem devices: say which with --device";
	case -ENXIO:
		return "the device has no id, as ivshmem-plain has none: say it with --slot";
	case -EACCES:
	case -EPERM:
		return "its files cannot be opened: it takes root";
	case -ERANGE:
		return "this guest has no slot: its id is beyond those of the layout";
	case -EPROTO:
	case -EBADMSG:
		return "what is in the shared memory is no layout of this version";
	default:
		return strerror(-rc);
	}
}

static int complain_of(const struct device_choice *choice, int rc)
{
	const char *what = choice->file ? choice->file : choice->address;

	if (rc == -EAGAIN)
		return rc;
	if (rc == -ENODEV && !what)
		complain("there is no ivshmem device; the host's part is qrt-launcher run --agent");
	else if (rc == -ENODEV)
		complain("%s is no ivshmem device", what);
	else
		complain("%s%s%s", what ? what : "", what ? ": " : "", describe(rc));
	return rc;
}

static int map(const struct device_choice *choice, struct device *device)
{
	const struct qrt_shmem_guest_config config = {.size = sizeof(config),
						      .set = choice->has_slot ? QRT_SHMEM_GUEST_SET_SLOT : 0,
						      .slot = choice->slot,
						      .device = choice->address,
						      .file = choice->file};

	device->host = choice->host;
	return qrt_shmem_guest_map(&config, &device->guest);
}

int device_open(const struct device_choice *choice, struct device *device)
{
	int rc = device->guest.memory ? 0 : map(choice, device);

	if (rc >= 0 && device->guest.slot == device->host) {
		complain("this guest's id is %u, the host's: say who is the host with --host",
			 (unsigned int)device->host);
		return -EADDRINUSE;
	}
	if (rc >= 0)
		rc = qrt_shmem_guest_attach(&device->guest);
	if (rc < 0)
		return complain_of(choice, rc);
	device->view = device->guest.view;
	device->slot = device->guest.slot;
	return 0;
}

void device_ring_host(const struct device *device)
{
	qrt_shmem_guest_ring(&device->guest, device->host, 0);
}
