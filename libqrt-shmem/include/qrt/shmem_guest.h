/* SPDX-License-Identifier: MIT */
/*
 * For programs in a Linux guest: values of their own in the memory that the guest shares with its host
 * (ivshmem), beside the guest's agent or without one. Headers alone: no library, no driver, C99 and C++, 32
 * and 64 bit.
 *
 * All programs of a guest share one section, that of the guest's slot, and each word in it has one writer:
 * the agent has the state, the ring, the bells and the values below QRT_SHMEM_AGENT_VALUES; a value from
 * there on is of who claimed it. A claim is a lock on a file (flock(2)) in a folder of the guest, one for
 * each value: the kernel ends it with the program, however that ends. What was published stays there as its
 * last word, until the value is withdrawn, claimed by another one, or the guest's life ends.
 *
 * It never prints, waits for another program no longer than that takes to claim a value, and has no threads.
 */
#ifndef QRT_SHMEM_GUEST_H
#define QRT_SHMEM_GUEST_H

#include <dirent.h>
#include <fcntl.h>
#include <qrt/shmem_agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SHMEM_GUEST_FOLDER  "/run/qrt-shmem-guest" /* of the claims */
#define QRT_SHMEM_GUEST_DEVICES "/sys/bus/pci/devices"
#define QRT_SHMEM_GUEST_PATH    128u
#define QRT_SHMEM_GUEST_VENDOR  0x1af4
#define QRT_SHMEM_GUEST_DEVICE  0x1110

/* A program that asks for no more than C99 is not told of it. */
#ifdef O_CLOEXEC
#define QRT_SHMEM_GUEST_CLOEXEC O_CLOEXEC
#else
#define QRT_SHMEM_GUEST_CLOEXEC 0
#endif

enum qrt_shmem_guest_set {
	QRT_SHMEM_GUEST_SET_SLOT = 1, /* `slot` is it */
};

/* Zero is the default of all. */
struct qrt_shmem_guest_config {
	uint32_t size;      /* of this structure */
	uint32_t set;       /* enum qrt_shmem_guest_set */
	uint32_t slot;      /* the guest's, where no device says it: of a file, of ivshmem-plain */
	uint32_t reserved;  /* 0 */
	const char *device; /* its PCI address, as "0000:00:04.0"; NULL: the only ivshmem device */
	const char *file;   /* instead of a device: a file that is the memory */
	const char *folder; /* of the claims, the same for all programs; NULL: QRT_SHMEM_GUEST_FOLDER */
};

struct qrt_shmem_guest {
	struct qrt_shmem_view view;
	uint32_t slot;
	int has_slot;
	unsigned char *memory;
	uint64_t length;
	volatile uint32_t *registers; /* of BAR 0; NULL: a file stands for the memory, and nobody is rung */
	void *registers_memory;
	uint64_t registers_length;
	char device[QRT_SHMEM_GUEST_PATH]; /* its folder in /sys; empty: a file */
	char folder[QRT_SHMEM_GUEST_PATH];
};

/* One that this program may publish. */
struct qrt_shmem_guest_value {
	uint32_t index;
	int claim; /* descriptor; -1: none */
	char name[QRT_SHMEM_NAME_MAX + 1];
};

/* ---- files ---- */

/* Below 0, also for a compiler that does not know errno. */
QRT_SHMEM_INLINE int qrt_shmem_guest_p_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static inline int qrt_shmem_guest_p_open(const char *path, int flags)
{
	int fd = open(path, flags | QRT_SHMEM_GUEST_CLOEXEC, 0600);

	if (fd >= 0 && !QRT_SHMEM_GUEST_CLOEXEC)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd < 0 ? qrt_shmem_guest_p_error() : fd;
}

static inline int qrt_shmem_guest_p_open_in(const char *folder, const char *name, int flags)
{
	char path[2 * QRT_SHMEM_GUEST_PATH];

	snprintf(path, sizeof(path), "%.127s/%.100s", folder, name);
	return qrt_shmem_guest_p_open(path, flags);
}

static inline long qrt_shmem_guest_p_number(const char *folder, const char *name)
{
	char text[32];
	int fd = qrt_shmem_guest_p_open_in(folder, name, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return -1;
	text[got] = 0;
	return strtol(text, NULL, 0);
}

/* Maps all of an open file, and closes it. */
static inline int qrt_shmem_guest_p_map(int fd, void **ret_at, uint64_t *ret_length)
{
	struct stat status;
	void *at = MAP_FAILED;
	int rc = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		rc = qrt_shmem_guest_p_error();
	else if (status.st_size <= 0)
		rc = -EPROTO;
	else if ((uint64_t)(size_t)status.st_size != (uint64_t)status.st_size)
		rc = -EFBIG; /* for 32 bits */
	else
		at = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (rc >= 0 && at == MAP_FAILED)
		rc = qrt_shmem_guest_p_error();
	close(fd);
	if (rc < 0)
		return rc;
	*ret_at = at;
	*ret_length = (uint64_t)status.st_size;
	return 0;
}

/* ---- the device ---- */

static inline int qrt_shmem_guest_p_is_ivshmem(const char *folder)
{
	return qrt_shmem_guest_p_number(folder, "vendor") == QRT_SHMEM_GUEST_VENDOR &&
	       qrt_shmem_guest_p_number(folder, "device") == QRT_SHMEM_GUEST_DEVICE;
}

/* The only one's folder. */
static inline int qrt_shmem_guest_p_find(char *ret_folder)
{
	DIR *devices = opendir(QRT_SHMEM_GUEST_DEVICES);
	char folder[QRT_SHMEM_GUEST_PATH];
	struct dirent *entry;
	int count = 0;

	while (devices && (entry = readdir(devices)) != NULL) {
		snprintf(folder, sizeof(folder), QRT_SHMEM_GUEST_DEVICES "/%.64s", entry->d_name);
		if (entry->d_name[0] != '.' && qrt_shmem_guest_p_is_ivshmem(folder) && !count++)
			memcpy(ret_folder, folder, sizeof(folder));
	}
	if (devices)
		closedir(devices);
	return count == 1 ? 0 : count ? -ENOTUNIQ : -ENODEV;
}

static inline int qrt_shmem_guest_p_choose(const char *address, char *ret_folder)
{
	if (!address)
		return qrt_shmem_guest_p_find(ret_folder);
	if (strlen(address) > 64 || strchr(address, '/'))
		return -ENODEV;
	snprintf(ret_folder, QRT_SHMEM_GUEST_PATH, QRT_SHMEM_GUEST_DEVICES "/%.64s", address);
	return qrt_shmem_guest_p_is_ivshmem(ret_folder) ? 0 : -ENODEV;
}

/* Without a driver nobody has switched the device's memory on. */
static inline void qrt_shmem_guest_p_enable(const char *folder)
{
	int fd;

	if (qrt_shmem_guest_p_number(folder, "enable") != 0)
		return;
	fd = qrt_shmem_guest_p_open_in(folder, "enable", O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0) {
		/* then the memory cannot be mapped, or reads as ones: both are seen */
	}
	close(fd);
}

/* A device without interrupts (ivshmem-plain) has no BAR 1, and its id reads as 0 though it has none. */
static inline void qrt_shmem_guest_p_take_id(struct qrt_shmem_guest *guest)
{
	int fd = qrt_shmem_guest_p_open_in(guest->device, "resource1", O_RDONLY);

	if (fd == -ENOENT)
		return;
	if (fd >= 0)
		close(fd);
	guest->slot = guest->registers[2];
	guest->has_slot = 1;
}

static inline int qrt_shmem_guest_p_map_device(struct qrt_shmem_guest *guest, const char *address)
{
	void *at;
	int rc = qrt_shmem_guest_p_choose(address, guest->device);

	if (rc < 0)
		return rc;
	qrt_shmem_guest_p_enable(guest->device);
	rc = qrt_shmem_guest_p_map(qrt_shmem_guest_p_open_in(guest->device, "resource2", O_RDWR | O_SYNC),
				   &at, &guest->length);
	if (rc < 0)
		return rc;
	guest->memory = (unsigned char *)at;
	rc = qrt_shmem_guest_p_map(qrt_shmem_guest_p_open_in(guest->device, "resource0", O_RDWR | O_SYNC),
				   &guest->registers_memory, &guest->registers_length);
	if (rc < 0)
		return rc;
	guest->registers = (volatile uint32_t *)guest->registers_memory;
	qrt_shmem_guest_p_take_id(guest);
	return 0;
}

static inline int qrt_shmem_guest_p_map_file(struct qrt_shmem_guest *guest, const char *path)
{
	void *at;
	int rc = qrt_shmem_guest_p_map(qrt_shmem_guest_p_open(path, O_RDWR), &at, &guest->length);

	if (rc >= 0)
		guest->memory = (unsigned char *)at;
	return rc;
}

/* ---- open and close ---- */

/* NULL is fine, and so is one that is closed. Claims are released by themselves. */
static inline void qrt_shmem_guest_close(struct qrt_shmem_guest *guest)
{
	if (!guest)
		return;
	if (guest->memory)
		munmap(guest->memory, (size_t)guest->length);
	if (guest->registers_memory)
		munmap(guest->registers_memory, (size_t)guest->registers_length);
	memset(guest, 0, sizeof(*guest));
}

static inline int qrt_shmem_guest_p_check(const struct qrt_shmem_guest_config *config)
{
	if (config->size != sizeof(*config))
		return config->size > sizeof(*config) ? -E2BIG : -EINVAL;
	if (config->reserved || (config->set & ~(uint32_t)QRT_SHMEM_GUEST_SET_SLOT) ||
	    (config->folder && strlen(config->folder) >= QRT_SHMEM_GUEST_PATH))
		return -EINVAL;
	return 0;
}

/* The device alone, before there is a layout in it: *ret_guest is to be closed. Errors as below. [setup] */
static inline int qrt_shmem_guest_map(const struct qrt_shmem_guest_config *config,
				      struct qrt_shmem_guest *ret_guest)
{
	struct qrt_shmem_guest guest;
	int rc = qrt_shmem_guest_p_check(config);

	if (rc < 0)
		return rc;
	memset(&guest, 0, sizeof(guest));
	snprintf(guest.folder, sizeof(guest.folder), "%.127s",
		 config->folder ? config->folder : QRT_SHMEM_GUEST_FOLDER);
	rc = config->file ? qrt_shmem_guest_p_map_file(&guest, config->file)
			  : qrt_shmem_guest_p_map_device(&guest, config->device);
	if (rc >= 0 && (config->set & QRT_SHMEM_GUEST_SET_SLOT)) {
		guest.slot = config->slot;
		guest.has_slot = 1;
	}
	if (rc >= 0 && !guest.has_slot)
		rc = -ENXIO;
	if (rc < 0) {
		qrt_shmem_guest_close(&guest);
		return rc;
	}
	*ret_guest = guest;
	return 0;
}

/* Takes in the layout: again and again where it is not there yet (-EAGAIN). [setup] */
static inline int qrt_shmem_guest_attach(struct qrt_shmem_guest *guest)
{
	int rc = qrt_shmem_attach(&guest->view, guest->memory, guest->length);

	if (rc < 0)
		return rc;
	return guest->slot < guest->view.peers ? 0 : -ERANGE;
}

/* -ENODEV: there is no ivshmem device, or none of that address; -ENOTUNIQ: there are several; -ENXIO: it has
 * no id, and no slot is given; -ERANGE: the layout has no slot of that id; -EAGAIN, -EPROTO, -EBADMSG: as
 * qrt_shmem_attach() has them; -EINVAL, -E2BIG: the configuration; others: of opening and mapping, which
 * takes root unless somebody changed the files' modes. [setup] */
static inline int qrt_shmem_guest_open(const struct qrt_shmem_guest_config *config,
				       struct qrt_shmem_guest *ret_guest)
{
	struct qrt_shmem_guest guest;
	int rc = qrt_shmem_guest_map(config, &guest);

	if (rc < 0)
		return rc;
	rc = qrt_shmem_guest_attach(&guest);
	if (rc < 0) {
		qrt_shmem_guest_close(&guest);
		return rc;
	}
	*ret_guest = guest;
	return 0;
}

/* Has a peer look, by its doorbell. [rt] */
static inline void qrt_shmem_guest_ring(const struct qrt_shmem_guest *guest, uint32_t peer, uint32_t vector)
{
	qrt_shmem_fence_full();
	if (guest->registers)
		guest->registers[3] = peer << 16 | vector;
}

/* ---- claims ---- */

/* The name of who holds the value's claim, into the file that is locked. */
static inline int qrt_shmem_guest_p_sign(int fd, const char *name)
{
	char text[QRT_SHMEM_NAME_MAX + 1];

	memset(text, 0, sizeof(text));
	memcpy(text, name, strlen(name));
	return write(fd, text, sizeof(text)) == (ssize_t)sizeof(text) ? 0 : -EIO;
}

static inline int qrt_shmem_guest_p_is_signed(int fd, const char *name)
{
	char text[QRT_SHMEM_NAME_MAX + 1];

	memset(text, 0, sizeof(text));
	return read(fd, text, sizeof(text) - 1) > 0 && !strcmp(text, name);
}

/* -EBUSY: somebody has claimed it; -EEXIST: by this name. */
static inline int qrt_shmem_guest_p_lock(const struct qrt_shmem_guest *guest, uint32_t index,
					 const char *name)
{
	char file[16];
	int fd, rc;

	snprintf(file, sizeof(file), "%u", (unsigned int)index);
	fd = qrt_shmem_guest_p_open_in(guest->folder, file, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) >= 0)
		return fd;
	rc = qrt_shmem_guest_p_is_signed(fd, name) ? -EEXIST : -EBUSY;
	close(fd);
	return rc;
}

/* How good a value is that nobody claims: 3: it has the name; 2: there is nothing; 1: a last word. */
static inline int qrt_shmem_guest_p_rate(const struct qrt_shmem_guest *guest, uint32_t index,
					 const char *name)
{
	struct qrt_shmem_value there;
	int rc = qrt_shmem_read_value(&guest->view, guest->slot, index, &there);

	if (rc == -ENOENT)
		return 2;
	return rc >= 0 && !strcmp(there.name, name) ? 3 : 1;
}

/* Looks at all, for a name is claimed once. The best one stays locked. */
static inline int qrt_shmem_guest_p_pick(const struct qrt_shmem_guest *guest,
					 struct qrt_shmem_guest_value *value)
{
	uint32_t index;
	int best = 0, rate, fd = 0;

	for (index = QRT_SHMEM_AGENT_VALUES; index < guest->view.values && fd != -EEXIST; index++) {
		fd = qrt_shmem_guest_p_lock(guest, index, value->name);
		if (fd < 0 && fd != -EBUSY)
			break;
		rate = fd < 0 ? 0 : qrt_shmem_guest_p_rate(guest, index, value->name);
		if (rate > best) {
			if (value->claim >= 0)
				close(value->claim);
			value->claim = fd;
			value->index = index;
			best = rate;
		} else if (fd >= 0) {
			close(fd);
		}
	}
	if (fd >= 0 || fd == -EBUSY)
		return best ? 0 : -ENOSPC;
	return fd == -EEXIST ? -EBUSY : fd;
}

static inline int qrt_shmem_guest_p_is_name(const char *name)
{
	size_t i, length = strlen(name);

	for (i = 0; i < length; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return 0;
	}
	return length >= 1 && length <= QRT_SHMEM_NAME_MAX && strncmp(name, "qrt.", 4) != 0;
}

/* The value of a name, for this program alone until it releases it or ends. Nothing is published by that.
 * -EINVAL: no such name is possible (printable ASCII without blanks, at most 31 characters; what begins with
 * "qrt." is the agent's); -EBUSY: another one has claimed it; -ENOSPC: all values are claimed; others: of the
 * folder and its files. [setup] */
static inline int qrt_shmem_guest_claim(const struct qrt_shmem_guest *guest, const char *name,
					struct qrt_shmem_guest_value *ret_value)
{
	struct qrt_shmem_guest_value value;
	int all, rc;

	if (!qrt_shmem_guest_p_is_name(name))
		return -EINVAL;
	memset(&value, 0, sizeof(value));
	memcpy(value.name, name, strlen(name));
	value.claim = -1;
	if (mkdir(guest->folder, 0700) < 0 && errno != EEXIST)
		return qrt_shmem_guest_p_error();
	all = qrt_shmem_guest_p_open_in(guest->folder, "lock", O_RDWR | O_CREAT);
	if (all < 0)
		return all;
	rc = flock(all, LOCK_EX) < 0 ? qrt_shmem_guest_p_error() : qrt_shmem_guest_p_pick(guest, &value);
	if (rc >= 0)
		rc = qrt_shmem_guest_p_sign(value.claim, name);
	close(all);
	if (rc < 0) {
		if (value.claim >= 0)
			close(value.claim);
		return rc;
	}
	*ret_value = value;
	return 0;
}

/* What was published stays. One that is released, or was never claimed (claim -1), is fine. */
static inline void qrt_shmem_guest_release(struct qrt_shmem_guest_value *value)
{
	if (value->claim >= 0)
		close(value->claim);
	value->claim = -1;
}

/* ---- publishing ---- */

/* By one thread at a time for each value. -EBADF: it is not claimed; -EINVAL: too long. [rt] */
static inline int qrt_shmem_guest_publish(const struct qrt_shmem_guest *guest,
					  const struct qrt_shmem_guest_value *own, uint16_t type,
					  const void *data, size_t size)
{
	struct qrt_shmem_value value;

	if (own->claim < 0)
		return -EBADF;
	if (size > QRT_SHMEM_DATA_MAX)
		return -EINVAL;
	memset(&value, 0, sizeof(value));
	memcpy(value.name, own->name, sizeof(value.name));
	value.type = type;
	value.size = (uint16_t)size;
	if (size)
		memcpy(value.is.data, data, size);
	return qrt_shmem_publish(&guest->view, guest->slot, own->index, &value);
}

static inline int qrt_shmem_guest_publish_u64(const struct qrt_shmem_guest *guest,
					      const struct qrt_shmem_guest_value *own, uint64_t number)
{
	return qrt_shmem_guest_publish(guest, own, QRT_SHMEM_U64, &number, sizeof(number));
}

static inline int qrt_shmem_guest_publish_double(const struct qrt_shmem_guest *guest,
						 const struct qrt_shmem_guest_value *own, double number)
{
	return qrt_shmem_guest_publish(guest, own, QRT_SHMEM_DOUBLE, &number, sizeof(number));
}

static inline int qrt_shmem_guest_publish_text(const struct qrt_shmem_guest *guest,
					       const struct qrt_shmem_guest_value *own, const char *text)
{
	return qrt_shmem_guest_publish(guest, own, QRT_SHMEM_TEXT, text, strlen(text));
}

/* From here on nobody reads it. -EBADF: it is not claimed. [rt] */
static inline int qrt_shmem_guest_withdraw(const struct qrt_shmem_guest *guest,
					   const struct qrt_shmem_guest_value *own)
{
	if (own->claim < 0)
		return -EBADF;
	return qrt_shmem_withdraw(&guest->view, guest->slot, own->index);
}

#ifdef __cplusplus
}
#endif

#endif /* QRT_SHMEM_GUEST_H */
