/* SPDX-License-Identifier: MIT */
/* The layout in the memory: what is there is kept, unless it is asked for that it is made anew. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "serve.h"

int serve_layout_attach(struct serve_memory *memory)
{
	int rc = qrt_shmem_attach(&memory->view, qrt_shmem_memory_get_data(memory->memory),
				  qrt_shmem_memory_get_length(memory->memory));

	memory->has_view = rc >= 0;
	return rc;
}

gboolean serve_layout_is(const struct serve_memory_plan *plan, const struct serve_memory *memory)
{
	return memory->has_view && plan->peers == memory->view.peers && plan->values == memory->view.values &&
	       plan->ring_bytes == memory->view.ring_bytes;
}

char *serve_layout_describe(const struct serve_memory *memory)
{
	const struct qrt_shmem_view *view = &memory->view;

	return memory->has_view ? g_strdup_printf("a layout of %u peers, %u values and %u bytes of a ring",
						  view->peers, view->values, view->ring_bytes)
				: g_strdup("no layout");
}

/* All that a layout would overwrite. */
static gboolean is_empty(const struct serve_memory_plan *plan, const struct serve_memory *memory)
{
	const unsigned char *data = qrt_shmem_memory_get_data(memory->memory);
	guint64 bytes = qrt_shmem_layout_bytes((guint32)plan->peers, (guint32)plan->values,
					       (guint32)plan->ring_bytes);

	return data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0;
}

static int make(const struct serve_memory_plan *plan, struct serve_memory *memory)
{
	guint64 nonce;
	int rc;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return -errno;
	rc = qrt_shmem_make(qrt_shmem_memory_get_data(memory->memory),
			    qrt_shmem_memory_get_length(memory->memory), (guint32)plan->peers,
			    (guint32)plan->values, (guint32)plan->ring_bytes, nonce);
	return rc < 0 ? rc : serve_layout_attach(memory);
}

static int refuse_other(const struct serve_memory_plan *plan, const struct serve_memory *memory)
{
	const struct qrt_shmem_view *view = &memory->view;
	g_autofree char *layout = serve_layout_describe(memory);

	complain("%s: it has %s: give --layout=peers=%u,values=%u,ring=%u, or --new-layout, which makes it "
		 "anew, "
		 "and what lies in it is lost",
		 plan->file, layout, view->peers, view->values, view->ring_bytes);
	return -EEXIST;
}

static int refuse_damaged(const struct serve_memory_plan *plan, int rc)
{
	complain("%s: its layout is %s: remove it, or give --new-layout, which makes it anew, and what lies "
		 "in it is "
		 "lost",
		 plan->file, rc == -EPROTO ? "of another version, or does not fit into it" : "damaged");
	return -EEXIST;
}

static int refuse_foreign(const struct serve_memory_plan *plan)
{
	complain("%s: it has a content that is no layout, which would be overwritten; remove it, or leave "
		 "--layout "
		 "out",
		 plan->file);
	return -EEXIST;
}

int serve_layout_have(const struct serve_memory_plan *plan, struct serve_memory *memory)
{
	int rc = plan->file ? serve_layout_attach(memory) : -EAGAIN;

	if (rc == -EAGAIN)
		return !plan->file || is_empty(plan, memory) ? make(plan, memory) : refuse_foreign(plan);
	if (plan->is_new_layout)
		return make(plan, memory);
	if (rc < 0)
		return refuse_damaged(plan, rc);
	return serve_layout_is(plan, memory) ? 0 : refuse_other(plan, memory);
}
