/* SPDX-License-Identifier: MIT */
#include "member.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

#include "reason.h"
#include "tool_option.h"

#define PATIENCE_S 10.0

static int fail(struct member *member, int rc, const struct qrt_shmem_error *error)
{
	g_autofree char *reason = rc == -EPIPE       ? reason_of_refusal(member->path)
				  : rc == -ETIMEDOUT ? reason_of_silence(member->path)
						     : NULL;

	if (reason && rc == -ETIMEDOUT)
		complain("%s: %s: %s", member->path, error->message, reason);
	else if (reason)
		complain("%s: %s", member->path, reason);
	else if (g_str_has_prefix(error->message, member->path))
		complain("%s", error->message);
	else
		complain("%s: %s", member->path, error->message);
	member_leave(member);
	return rc;
}

/* Until a server lets it in, of which one may not run yet. */
static guint32 patience_ms(double seconds)
{
	return (guint32)MIN((seconds > 0 ? seconds : PATIENCE_S) * 1000, (double)INT_MAX);
}

int member_join(struct member *member, const char *path, double wait_s)
{
	struct qrt_ivshmem_peer_config config = {
		.size = sizeof(config), .path = path, .peers_max = QRT_IVSHMEM_IDS};
	struct qrt_shmem_error error;
	int rc;

	memset(member, 0, sizeof(*member));
	member->path = path;
	rc = qrt_ivshmem_peer_open(&config, &member->peer, &error);
	if (rc >= 0)
		rc = qrt_ivshmem_peer_wait_ready(member->peer, 1, patience_ms(wait_s), &error);
	if (rc < 0)
		return fail(member, rc, &error);
	member->memory = qrt_ivshmem_peer_get_memory(member->peer, &member->length);
	member->id = (guint32)qrt_ivshmem_peer_get_id(member->peer);
	member->layout = qrt_shmem_attach(&member->view, member->memory, member->length);
	return 0;
}

void member_leave(struct member *member)
{
	member->peer = qrt_ivshmem_peer_close(member->peer);
}

int member_need_layout(const struct member *member)
{
	if (member->layout == -EAGAIN)
		complain("%s: there is no layout in this memory; start its server with --layout",
			 member->path);
	else if (member->layout < 0)
		complain("%s: the layout in this memory is %s", member->path,
			 member->layout == -EBADMSG ? "damaged" : "another version's, or does not fit");
	else if (member->id >= member->view.peers)
		complain("%s: the layout has %u slots, and none for id %u; start the server with "
			 "--layout=peers=N",
			 member->path, member->view.peers, member->id);
	else
		return 0;
	return -EPROTO;
}

/* A server that begins no lives has nobody who believes what is said in none. */
void member_beat(struct member *member)
{
	guint32 life = qrt_shmem_get_life(&member->view, member->id);

	if (!life)
		return;
	member->said.life = life;
	member->said.state = QRT_SHMEM_STATE_READY;
	member->said.beat++;
	qrt_shmem_say_state(&member->view, member->id, &member->said);
}

guint32 member_draw(void)
{
	guint32 number = 0;

	while (!number) {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			number = g_random_int();
	}
	return number;
}

int member_take_id(const char *name, const char *text, guint32 *id)
{
	guint64 number = *id;
	int code = option_take_number(name, text, 0, QRT_IVSHMEM_IDS - 1, &number);

	*id = (guint32)number;
	return code;
}
