/* SPDX-License-Identifier: MIT */
/* Interrupts that are set up while a shield is up: they have its default mask, and no other. */
#include "shield_help.h"
#include "tap.h"

#define IRQ(number) "/proc/irq/" number "/smp_affinity"

/* A shield of CPU 1, and interrupts: 25 had what the default becomes, 40 and 41 came meanwhile. */
static void begin(struct shield_help *up, int version)
{
	shield_help_begin(version);
	fake_kernel_file(IRQ("25"), "d\n");
	shield_help_prepare(up, "1", QRT_SCHED_SHIELD_IRQS);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(up), version);
	shield_help_file("/proc/irq/default_smp_affinity", "d");
	fake_kernel_file(IRQ("40"), "00000000,0000000d\n");
	fake_kernel_file(IRQ("41"), "1\n");
}

static void end(struct shield_help *up)
{
	shield_help_finish(up);
	host_tree_end();
}

static void expect_hosts(void)
{
	shield_help_file("/proc/irq/default_smp_affinity", "f");
	shield_help_file(IRQ("24"), "00000000,0000000f");
	shield_help_file(IRQ("25"), "d");
	shield_help_file(IRQ("40"), "f");
	shield_help_file(IRQ("41"), "1");
}

static void newcomers_get_the_hosts_default(void)
{
	struct shield_help up;

	begin(&up, 1);
	CU_ASSERT(qrt_sched_saved_restore(up.saved, &up.error) > 0);
	expect_hosts();
	end(&up);
}

static void newcomers_get_it_by_the_text_alone(void)
{
	struct shield_help up;

	begin(&up, 0);
	shield_help_restore(&up);
	expect_hosts();
	end(&up);
}

static void newcomers_follow_a_shield_that_moves(void)
{
	struct shield_help up;

	begin(&up, 2);
	up.config.cpus = fake_kernel_cpus("0");
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), 2);
	shield_help_file("/proc/irq/default_smp_affinity", "e");
	shield_help_file(IRQ("25"), "c");
	shield_help_file(IRQ("40"), "e");
	/* Bound to the shielded CPU: it goes to the rest. */
	shield_help_file(IRQ("41"), "e");
	fake_kernel_file(IRQ("42"), "e\n");
	shield_help_restore(&up);
	shield_help_file(IRQ("42"), "f");
	expect_hosts();
	end(&up);
}

static void newcomers_get_it_when_interrupts_are_asked_for_no_more(void)
{
	struct shield_help up;

	begin(&up, 1);
	up.config.flags = 0;
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), 1);
	expect_hosts();
	shield_help_restore(&up);
	expect_hosts();
	end(&up);
}

/* Somebody else's default is theirs, and what they set up has it. */
static void others_keep_their_default(void)
{
	struct shield_help up;

	begin(&up, 1);
	fake_kernel_file("/proc/irq/default_smp_affinity", "4\n");
	fake_kernel_file(IRQ("43"), "4\n");
	shield_help_restore(&up);
	shield_help_file("/proc/irq/default_smp_affinity", "4");
	shield_help_file(IRQ("43"), "4");
	shield_help_file(IRQ("40"), "f");
	end(&up);
}

static const struct tap_test tests[] = {
	{"newcomers get the host's default", newcomers_get_the_hosts_default},
	{"newcomers get it by the text alone", newcomers_get_it_by_the_text_alone},
	{"newcomers follow a shield that moves", newcomers_follow_a_shield_that_moves},
	{"newcomers get it when interrupts are asked for no more",
	 newcomers_get_it_when_interrupts_are_asked_for_no_more},
	{"others keep their default", others_keep_their_default},
};

TAP_MAIN("shield_irqs", tests)
