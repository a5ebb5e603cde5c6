/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New connections of each instance, by name. */
#include "dp/steer/new_connections.h"

#include <stdio.h>
#include <string.h>

static unsigned new_connections_find(const struct new_connections *g, const char *pool,
				     const char *instance)
{
	unsigned i;

	for (i = 0; i < g->n_accounts; i++)
		if (!strcmp(g->accounts[i].pool, pool) &&
		    !strcmp(g->accounts[i].instance, instance))
			break;
	return i;
}

void new_connections_add(struct new_connections *g, unsigned slot, const char *pool,
			 const char *instance, uint64_t total)
{
	unsigned i = new_connections_find(g, pool, instance);
	struct new_connections_account *a;

	if (i == NEW_CONNECTIONS_ACCOUNTS)
		return;
	a = &g->accounts[i];
	if (i == g->n_accounts) {
		g->n_accounts++;
		snprintf(a->pool, sizeof(a->pool), "%s", pool);
		snprintf(a->instance, sizeof(a->instance), "%s", instance);
	}
	a->n += total - g->counted[slot];
	g->counted[slot] = total;
}

uint64_t new_connections_of(const struct new_connections *g, const char *pool,
			    const char *instance)
{
	unsigned i = new_connections_find(g, pool, instance);

	return i < g->n_accounts ? g->accounts[i].n : 0;
}
