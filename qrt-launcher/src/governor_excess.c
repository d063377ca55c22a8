/* SPDX-License-Identifier: MIT */
/* What the governor has no room for: said once, and shown as long as it is so. */
#include "command.h"
#include "governor_p.h"
#include "json_limit.h"
#include "json_put.h"

#define LIST_MAX 4096

enum { SAID_THREADS = 1, SAID_RIVAL_THREADS = 2, SAID_RIVALS = 4, SAID_CPUS = 8 };

void governor_excess_read(const struct governor *governor, struct governor_excess *ret_excess)
{
	struct governor_excess excess = {.threads = governor->own->excess,
					 .rivals = governor->rivals_excess,
					 .cpus = governor->unshared,
					 .lacks_files = governor->own->lacks_files};
	size_t i;

	for (i = 0; i < governor->rivals_count; i++) {
		excess.rival_threads += governor->rivals[i]->excess;
		excess.lacks_files |= governor->rivals[i]->lacks_files;
	}
	*ret_excess = excess;
}

static bool is_first(struct governor *governor, unsigned what, bool is_so)
{
	bool was_said = governor->said & what;

	if (is_so)
		governor->said |= what;
	return is_so && !was_said;
}

static void say_threads(uint32_t count, const char *whose, const char *remedy, bool lacks_files)
{
	if (lacks_files)
		complain("no file can be opened for %u thread%s of %s: budget, weight and guard do not count "
			 "them; raise the limit of open files (ulimit -n), a thread needs two",
			 count, plural(count), whose);
	else
		complain("%u thread%s of %s more than the %d that the governor holds: budget, weight and "
			 "guard "
			 "do not count them; give %s fewer vCPUs, iothreads or pool workers",
			 count, plural(count), whose, GOVERNOR_TASKS, remedy);
}

void governor_excess_say(struct governor *governor, const struct governor_excess *excess)
{
	char cpus[LIST_MAX] = "";

	if (is_first(governor, SAID_THREADS, excess->threads > 0))
		say_threads(excess->threads, "this VM", "it", excess->lacks_files);
	if (is_first(governor, SAID_RIVAL_THREADS, excess->rival_threads > 0))
		say_threads(excess->rival_threads, "other VMs", "those", excess->lacks_files);
	if (is_first(governor, SAID_RIVALS, excess->rivals > 0))
		complain(
			"%u VM%s more than the %d beside which the governor holds this one: weight and guard "
			"do not count them; run fewer of this user's VMs",
			excess->rivals, plural(excess->rivals), GOVERNOR_RIVALS);
	if (is_first(governor, SAID_CPUS, qrt_sched_cpus_count(&excess->cpus) > 0) &&
	    qrt_sched_cpus_format(&excess->cpus, cpus, sizeof(cpus)) >= 0)
		complain("CPUs %s are not shared by weight: VMs use more CPUs than the governor holds; keep "
			 "each on fewer (ROLE_bias)",
			 cpus);
}

/* ---- for `status` ---- */

void governor_excess_build(JsonBuilder *builder, const struct governor_excess *excess)
{
	char cpus[LIST_MAX] = "";

	(void)qrt_sched_cpus_format(&excess->cpus, cpus, sizeof(cpus));
	json_builder_set_member_name(builder, "ungoverned");
	json_builder_begin_object(builder);
	json_put_int(builder, "threads", excess->threads);
	json_put_int(builder, "rival_threads", excess->rival_threads);
	json_put_int(builder, "rivals", excess->rivals);
	json_put_string(builder, "cpus", cpus);
	json_builder_end_object(builder);
}

static void add_words(GString *line, gint64 count, const char *what, const char *of)
{
	if (count > 0)
		g_string_append_printf(line, "; NOT GOVERNED: %" G_GINT64_FORMAT " %s%s%s", count, what,
				       count == 1 ? "" : "s", of);
}

void governor_excess_format(GString *line, JsonObject *member)
{
	const char *cpus;

	if (!member)
		return;
	add_words(line, json_limit_get_int(member, "threads"), "thread", "");
	add_words(line, json_limit_get_int(member, "rival_threads"), "thread", " of other VMs");
	add_words(line, json_limit_get_int(member, "rivals"), "VM", " beside it");
	cpus = json_limit_get_string(member, "cpus");
	if (*cpus)
		g_string_append_printf(line, "; NOT GOVERNED: shares of CPUs %s", cpus);
}
