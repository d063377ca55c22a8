/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_ENCODER_P_H
#define QRT_VNC_ENCODER_P_H

#include "client_p.h"
#include "worker_p.h"

struct qrt_vnc_encoder {
	struct qrt_vnc_p_crew crew;
	struct qrt_vnc_p_pool pool;
	uint32_t clients_max, chunks_max;
	struct qrt_vnc_client *clients; /* those that are not closed, or for which something is posted */
	struct qrt_vnc_client *dead;    /* to be freed by the next call that may */
	uint32_t clients_count;
	uint32_t is_posted;
	uint64_t encoded, used, pixels;
};

/* From the list of clients to that of the dead. */
void qrt_vnc_p_encoder_bury(struct qrt_vnc_encoder *encoder, struct qrt_vnc_client *client);
void qrt_vnc_p_encoder_free_dead(struct qrt_vnc_encoder *encoder);

/* Chunks of an order, which is right. -ENOSPC: all is as before. */
int qrt_vnc_p_order_add(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_order *order);

#endif
