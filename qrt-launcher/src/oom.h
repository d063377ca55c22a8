/* SPDX-License-Identifier: MIT */
/* When memory is short the kernel kills somebody: not who holds the VM, as long as there is somebody else. */
#ifndef QRT_LAUNCHER_OOM_H
#define QRT_LAUNCHER_OOM_H

/* Has this process be among the last. Where it may not it stays as it is. What it starts from then on has to
 * say oom_release(). */
void oom_protect(void);
/* Between fork and exec: this process is as before oom_protect(). */
void oom_release(void);

#endif
