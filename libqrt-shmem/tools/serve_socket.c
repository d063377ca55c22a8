/* SPDX-License-Identifier: MIT */
/* SOCKET[,KEY=VALUE...]: where clients connect, and what they are. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "serve.h"
#include "unix_socket.h"

/* The longest of what is put behind the first socket's path. */
#define SUFFIX_MAX 5

/* ---- values ---- */

static int take_number(const char *value, guint64 least, guint64 most, guint32 *number)
{
	guint64 wide;

	if (!g_ascii_string_to_unsigned(value, 10, least, most, &wide, NULL))
		return -EINVAL;
	*number = (guint32)wide;
	return 0;
}

static int take_user(const char *value, guint32 *uid)
{
	const struct passwd *user;

	if (take_number(value, 0, G_MAXUINT32 - 1, uid) == 0)
		return 0;
	user = getpwnam(value);
	if (!user)
		return -ENOENT;
	*uid = user->pw_uid;
	return 0;
}

static int take_group_name(const char *value, guint32 *gid)
{
	const struct group *group;

	if (take_number(value, 0, G_MAXUINT32 - 1, gid) == 0)
		return 0;
	group = getgrnam(value);
	if (!group)
		return -ENOENT;
	*gid = group->gr_gid;
	return 0;
}

/* ---- keys ---- */

static int take_vectors(struct serve_socket *serve_socket, const char *value)
{
	return take_number(value, 1, QRT_IVSHMEM_VECTORS_MAX, &serve_socket->vectors);
}

static int take_id(struct serve_socket *serve_socket, const char *value)
{
	serve_socket->flags |= QRT_IVSHMEM_LISTEN_ID;
	return take_number(value, 0, QRT_IVSHMEM_IDS - 1, &serve_socket->id);
}

static int take_name(struct serve_socket *serve_socket, const char *value)
{
	const char *c;

	for (c = value; *c; c++) {
		if (!g_ascii_isprint(*c))
			return -EINVAL;
	}
	if (c - value > QRT_IVSHMEM_NAME_MAX)
		return -ENAMETOOLONG;
	g_free(serve_socket->name);
	serve_socket->name = g_strdup(value);
	return 0;
}

static int take_mode(struct serve_socket *serve_socket, const char *value)
{
	guint64 mode;

	if (!g_ascii_string_to_unsigned(value, 8, 1, 0777, &mode, NULL))
		return -EINVAL;
	serve_socket->mode = (guint32)mode;
	return 0;
}

static int take_owner(struct serve_socket *serve_socket, const char *value)
{
	serve_socket->flags |= QRT_IVSHMEM_LISTEN_OWNER;
	return take_user(value, &serve_socket->owner);
}

static int take_group(struct serve_socket *serve_socket, const char *value)
{
	serve_socket->flags |= QRT_IVSHMEM_LISTEN_GROUP;
	return take_group_name(value, &serve_socket->group);
}

static int take_uid(struct serve_socket *serve_socket, const char *value)
{
	guint32 uid;
	int rc = take_user(value, &uid);

	if (rc == 0)
		g_array_append_val(serve_socket->uids, uid);
	return rc;
}

static int take_gid(struct serve_socket *serve_socket, const char *value)
{
	guint32 gid;
	int rc = take_group_name(value, &gid);

	if (rc == 0)
		g_array_append_val(serve_socket->gids, gid);
	return rc;
}

static const struct key {
	const char *name;
	int (*take)(struct serve_socket *serve_socket, const char *value);
	const char *wanted;
} keys[] = {
	{"vectors", take_vectors, "a number of 1 to 1024"},
	{"id", take_id, "a number of 0 to 65535"},
	{"name", take_name, "up to 63 printable characters"},
	{"mode", take_mode, "permissions in octal, such as 0660"},
	{"owner", take_owner, "a user's name or number"},
	{"group", take_group, "a group's name or number"},
	{"uid", take_uid, "a user's name or number"},
	{"gid", take_gid, "a group's name or number"},
};

/* ---- sockets ---- */

struct serve_socket *serve_socket_new(const char *path)
{
	struct serve_socket *serve_socket = g_new0(struct serve_socket, 1);

	serve_socket->path = g_strdup(path);
	serve_socket->name = g_strdup("");
	serve_socket->vectors = 1;
	serve_socket->uids = g_array_new(FALSE, FALSE, sizeof(guint32));
	serve_socket->gids = g_array_new(FALSE, FALSE, sizeof(guint32));
	serve_socket->fd = -1;
	return serve_socket;
}

void serve_socket_free(struct serve_socket *serve_socket)
{
	g_free(serve_socket->path);
	g_free(serve_socket->name);
	g_array_free(serve_socket->uids, TRUE);
	g_array_free(serve_socket->gids, TRUE);
	g_free(serve_socket);
}

static int take_key(struct serve_socket *serve_socket, const char *word)
{
	const char *value = strchr(word, '=');
	size_t i, len = value ? (size_t)(value - word) : strlen(word);

	for (i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strlen(keys[i].name) != len || strncmp(keys[i].name, word, len) != 0)
			continue;
		if (value && keys[i].take(serve_socket, value + 1) == 0)
			return 0;
		complain("%s: %s: give %s", serve_socket->path, word, keys[i].wanted);
		return -EINVAL;
	}
	complain("%s: there is no key '%.*s': vectors, id, name, mode, owner, group, uid and gid there are",
		 serve_socket->path, (int)len, word);
	return -EINVAL;
}

struct serve_socket *serve_socket_parse(const char *argument)
{
	g_auto(GStrv) words = g_strsplit(argument, ",", -1);
	struct serve_socket *serve_socket;
	guint i;

	if (!words[0] || !*words[0] || strlen(words[0]) > UNIX_SOCKET_PATH_MAX) {
		complain("'%s': give a socket's path, of at most %d characters", argument,
			 UNIX_SOCKET_PATH_MAX);
		return NULL;
	}
	serve_socket = serve_socket_new(words[0]);
	for (i = 1; words[i]; i++) {
		if (take_key(serve_socket, words[i]) < 0) {
			serve_socket_free(serve_socket);
			return NULL;
		}
	}
	return serve_socket;
}

/* ---- all of them ---- */

static int check_pair(const struct serve_socket *a, const struct serve_socket *b)
{
	if (strcmp(a->path, b->path) == 0)
		complain("%s: is there twice", a->path);
	else if (a->flags & b->flags & QRT_IVSHMEM_LISTEN_ID && a->id == b->id)
		complain("%s: id %u is that of %s, too", b->path, b->id, a->path);
	else
		return EXIT_OK;
	return EXIT_USAGE;
}

static int check_one(const GPtrArray *sockets, guint index, guint32 ids)
{
	const struct serve_socket *one = sockets->pdata[index];
	int code = EXIT_OK;
	guint i;

	if (one->flags & QRT_IVSHMEM_LISTEN_ID && one->id >= ids) {
		complain("%s: id=%u: the layout has slots 0 to %u; give --layout more peers", one->path,
			 one->id, ids - 1);
		return EXIT_USAGE;
	}
	for (i = 0; i < index && code == EXIT_OK; i++)
		code = check_pair(sockets->pdata[i], one);
	return code;
}

int serve_socket_check_all(const GPtrArray *sockets, guint32 ids)
{
	int code = EXIT_OK;
	guint i;

	for (i = 0; i < sockets->len && code == EXIT_OK; i++)
		code = check_one(sockets, i, ids);
	if (code != EXIT_OK || !sockets->len)
		return code;
	if (strlen(((const struct serve_socket *)sockets->pdata[0])->path) <=
	    UNIX_SOCKET_PATH_MAX - SUFFIX_MAX)
		return EXIT_OK;
	complain("%s: the first socket's path has at most %d characters, as .hold and .ctl are put behind it",
		 ((const struct serve_socket *)sockets->pdata[0])->path, UNIX_SOCKET_PATH_MAX - SUFFIX_MAX);
	return EXIT_USAGE;
}

static void fill(const struct serve_socket *serve_socket, struct qrt_ivshmem_listen_config *config)
{
	config->flags = serve_socket->flags;
	config->path = serve_socket->fd < 0 ? serve_socket->path : NULL;
	config->fd = serve_socket->fd;
	config->mode = serve_socket->mode;
	config->owner = serve_socket->owner;
	config->group = serve_socket->group;
	config->vectors = serve_socket->vectors;
	config->id = serve_socket->id;
	config->name = serve_socket->name;
	config->uids = (const guint32 *)(const void *)serve_socket->uids->data;
	config->uid_count = serve_socket->uids->len;
	config->gids = (const guint32 *)(const void *)serve_socket->gids->data;
	config->gid_count = serve_socket->gids->len;
}

int serve_socket_listen(const struct serve_socket *serve_socket, struct qrt_ivshmem_server *server)
{
	struct qrt_ivshmem_listen_config config = {.size = sizeof(config)};
	struct qrt_shmem_error error;
	int rc;

	fill(serve_socket, &config);
	rc = qrt_ivshmem_server_listen(server, &config, &error);
	if (rc < 0)
		complain("%s", error.message);
	return rc;
}
