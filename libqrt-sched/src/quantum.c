/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <qrt/sched.h>

/* RT-QEMU's table, ms by nice value from -20 on: the seed's own figures, not a formula. */
static const uint16_t quantum_ms[40] = {
	800, 780, 760, 740, 720, 700, 680, 660, 640, 620, 600, 580, 560, 540, 520, 500, 480, 460, 440, 420,
	100, 92,  88,  84,  80,  72,  68,  64,  60,  52,  48,  44,  40,  32,  28,  24,  20,  12,  8,   4,
};

int64_t qrt_sched_quantum_of_nice(int nice)
{
	if (nice < -20 || nice > 19)
		return -EINVAL;
	return (int64_t)quantum_ms[nice + 20] * 1000000;
}
