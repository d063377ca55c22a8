/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <string.h>

#include "preload_p.h"

static struct preload_real real;
static _Atomic int is_resolved;

void *preload_symbol(const char *name, const char *version)
{
	void *symbol = version ? dlvsym(RTLD_NEXT, name, version) : NULL;

	return symbol ? symbol : dlsym(RTLD_NEXT, name);
}

static void resolve(void *slot, const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	/* ISO C knows no conversion from an object's pointer to a function's. */
	memcpy(slot, &symbol, sizeof(symbol));
}

static void resolve_all(void)
{
	resolve(&real.pthread_create, "pthread_create");
	resolve(&real.pthread_mutex_init, "pthread_mutex_init");
	resolve(&real.pthread_mutex_destroy, "pthread_mutex_destroy");
	resolve(&real.pthread_mutex_lock, "pthread_mutex_lock");
	resolve(&real.pthread_setname_np, "pthread_setname_np");
	resolve(&real.prctl, "prctl");
	resolve(&real.execve, "execve");
	resolve(&real.execvpe, "execvpe");
	resolve(&real.fexecve, "fexecve");
	resolve(&real.posix_spawn, "posix_spawn");
	resolve(&real.posix_spawnp, "posix_spawnp");
	resolve(&real.system, "system");
	resolve(&real.popen, "popen");
	resolve(&real.pclose, "pclose");
	resolve(&real.ioctl, "ioctl");
}

const struct preload_real *preload_real(void)
{
	/* Twice at the same time would do no harm: the results are the same. */
	if (UNLIKELY(!atomic_load_explicit(&is_resolved, memory_order_acquire))) {
		resolve_all();
		atomic_store_explicit(&is_resolved, 1, memory_order_release);
	}
	return &real;
}
