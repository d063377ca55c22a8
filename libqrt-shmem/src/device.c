/* SPDX-License-Identifier: MIT */
/* The PCI device's registers, as QEMU's documentation of it has them. */
#include <errno.h>
#include <string.h>

#include "qrt/ivshmem.h"
#include "struct_p.h"

int qrt_ivshmem_device_init(struct qrt_ivshmem_device *device, const struct qrt_ivshmem_device_config *config)
{
	struct qrt_ivshmem_device_config own;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc < 0)
		return rc;
	if (own.flags & ~QRT_IVSHMEM_DEVICE_MSIX || !own.vectors || own.vectors > QRT_IVSHMEM_VECTORS_MAX)
		return -EINVAL;
	memset(device, 0, sizeof(*device));
	if (own.operations)
		device->operations = *own.operations;
	device->data = own.data;
	device->flags = own.flags;
	device->vectors = own.vectors;
	device->position = -1;
	return 0;
}

/* One thread at a time shows the line, and looks again where another one came meanwhile: so that what was
 * shown last is what is so, and nobody waits for somebody else's set_line. */
static void show_line(struct qrt_ivshmem_device *device)
{
	uint32_t comers;
	int level;

	if (!device->operations.set_line || (device->flags & QRT_IVSHMEM_DEVICE_MSIX) ||
	    __atomic_fetch_add(&device->comers, 1, __ATOMIC_ACQ_REL))
		return;
	do {
		comers = __atomic_load_n(&device->comers, __ATOMIC_ACQUIRE);
		level = (__atomic_load_n(&device->status, __ATOMIC_ACQUIRE) &
			 __atomic_load_n(&device->mask, __ATOMIC_ACQUIRE)) != 0;
		device->operations.set_line(device->data, level);
	} while (!__atomic_compare_exchange_n(&device->comers, &comers, 0, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
}

void qrt_ivshmem_device_reset(struct qrt_ivshmem_device *device)
{
	__atomic_store_n(&device->mask, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&device->status, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&device->is_msix_on, 0, __ATOMIC_RELEASE);
	show_line(device);
}

void qrt_ivshmem_device_set_position(struct qrt_ivshmem_device *device, int32_t id)
{
	__atomic_store_n(&device->position, id, __ATOMIC_RELEASE);
}

void qrt_ivshmem_device_set_msix(struct qrt_ivshmem_device *device, int is_on)
{
	__atomic_store_n(&device->is_msix_on, (uint32_t)(is_on != 0), __ATOMIC_RELEASE);
}

uint64_t qrt_ivshmem_device_read(struct qrt_ivshmem_device *device, uint64_t offset, uint32_t bytes)
{
	uint32_t value;

	if (bytes != 4)
		return 0;
	switch (offset) {
	case QRT_IVSHMEM_INTR_MASK:
		return __atomic_load_n(&device->mask, __ATOMIC_ACQUIRE);
	case QRT_IVSHMEM_INTR_STATUS:
		value = __atomic_exchange_n(&device->status, 0, __ATOMIC_ACQ_REL);
		show_line(device);
		return value;
	case QRT_IVSHMEM_IV_POSITION:
		return (uint32_t)__atomic_load_n(&device->position, __ATOMIC_ACQUIRE);
	default:
		return 0;
	}
}

void qrt_ivshmem_device_write(struct qrt_ivshmem_device *device, uint64_t offset, uint64_t value,
			      uint32_t bytes)
{
	if (bytes != 4)
		return;
	switch (offset) {
	case QRT_IVSHMEM_INTR_MASK:
		__atomic_store_n(&device->mask, (uint32_t)value, __ATOMIC_RELEASE);
		show_line(device);
		break;
	case QRT_IVSHMEM_INTR_STATUS:
		__atomic_store_n(&device->status, (uint32_t)value, __ATOMIC_RELEASE);
		show_line(device);
		break;
	case QRT_IVSHMEM_DOORBELL:
		if (device->operations.ring)
			device->operations.ring(device->data, (uint32_t)value >> 16,
						(uint32_t)value & 0xffff);
		break;
	default:
		break;
	}
}

void qrt_ivshmem_device_interrupt(struct qrt_ivshmem_device *device, uint32_t vector)
{
	if (vector >= device->vectors)
		return;
	if (device->flags & QRT_IVSHMEM_DEVICE_MSIX) {
		if (__atomic_load_n(&device->is_msix_on, __ATOMIC_ACQUIRE) && device->operations.send_msix)
			device->operations.send_msix(device->data, vector);
		return;
	}
	__atomic_store_n(&device->status, 1, __ATOMIC_RELEASE);
	show_line(device);
}
