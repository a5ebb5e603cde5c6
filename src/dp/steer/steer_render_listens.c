/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the steering program's table about ports of the box that pools listen on. */
#include "dp/steer/steer_render.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)STEER_LISTENS >= (int)PLAN_MAX_LISTENS, "listens");

/* By port; those of single addresses before the one of all. */
static int steer_listens_compare(const void *a, const void *b)
{
	const struct plan_listen *x = a, *y = b;

	if (x->port != y->port)
		return x->port - y->port;
	return addr_is_set(&y->addr) - addr_is_set(&x->addr);
}

static void steer_listens_address(const struct addr *a, __be32 out[4])
{
	if (a->family == ADDR_V6) {
		memcpy(out, a->octets, 16);
		return;
	}
	out[0] = out[1] = 0;
	out[2] = htonl(0xffff);
	out[3] = htonl(addr_to_v4(a));
}

void steer_render_listens(const struct plan *plan, struct steer_table *out)
{
	struct plan_listen sorted[PLAN_MAX_LISTENS];

	memcpy(sorted, plan->listens, plan->n_listens * sizeof(sorted[0]));
	qsort(sorted, plan->n_listens, sizeof(sorted[0]), steer_listens_compare);
	memset(out->listen_of_port, STEER_NO_LISTEN, sizeof(out->listen_of_port));
	memset(out->listens, 0, sizeof(out->listens));
	for (unsigned i = 0; i < plan->n_listens; i++) {
		const struct plan_listen *l = &sorted[i];

		out->listens[i] = (struct steer_listen){
			.port = l->port,
			.pool = (uint8_t)l->pool,
			.any = !addr_is_set(&l->addr),
			.pass = l->pass_when_down,
		};
		steer_listens_address(&l->addr, out->listens[i].addr);
		if (out->listen_of_port[l->port] == STEER_NO_LISTEN)
			out->listen_of_port[l->port] = (uint8_t)i;
	}
}
