/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "launch.h"

#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct passwd *find_user(const char *text)
{
	guint64 number;

	if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &number, NULL))
		return getpwuid((uid_t)number);
	return getpwnam(text);
}

static int find_group(const char *text, gid_t *ret_gid)
{
	const struct group *group;
	guint64 number;

	if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &number, NULL)) {
		*ret_gid = (gid_t)number;
		return 0;
	}
	group = getgrnam(text);
	if (!group)
		return -ENOENT;
	*ret_gid = group->gr_gid;
	return 0;
}

static int look_up(const char *name, const char *group, struct launch_user *ret_user)
{
	const struct passwd *passwd = find_user(name);
	struct launch_user user = {.set = true};

	if (!passwd) {
		complain("--user %s: there is no such user", name);
		return -ENOENT;
	}
	user.uid = passwd->pw_uid;
	user.gid = passwd->pw_gid;
	g_strlcpy(user.name, passwd->pw_name, sizeof(user.name));
	if (group && find_group(group, &user.gid) < 0) {
		complain("--user %s:%s: there is no such group", name, group);
		return -ENOENT;
	}
	*ret_user = user;
	return 0;
}

int launch_parse_user(const char *text, struct launch_user *ret_user)
{
	char **parts;
	int r;

	if (geteuid() != 0) {
		complain("--user %s: only root can become another user; leave it out, or run as root", text);
		return -EPERM;
	}
	parts = g_strsplit(text, ":", 2);
	if (!parts[0] || !*parts[0] || (parts[1] && !*parts[1])) {
		complain("--user '%s': give USER or USER:GROUP", text);
		r = -EINVAL;
	} else {
		r = look_up(parts[0], parts[1], ret_user);
	}
	g_strfreev(parts);
	return r;
}

int launch_become(const struct launch_user *user)
{
	if (!user->set)
		return 0;
	if (initgroups(user->name, user->gid) < 0 || setgid(user->gid) < 0 || setuid(user->uid) < 0)
		return errno;
	return 0;
}
