/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/ingress/bypass_table.h"

#include "bpf/ingress/ingress_maps.h"

#include <arpa/inet.h>
#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static_assert((int)INGRESS_BYPASS_CLIENTS == (int)PLAN_BYPASS_CLIENTS, "sets");
static_assert((int)INGRESS_BYPASS_SERVERS == (int)PLAN_BYPASS_SERVERS, "sets");
static_assert((int)INGRESS_BYPASS_CLIENTS_V6 == (int)PLAN_BYPASS_CLIENTS_V6, "sets");
static_assert((int)INGRESS_BYPASS_SERVERS_V6 == (int)PLAN_BYPASS_SERVERS_V6, "sets");
static_assert((int)INGRESS_BYPASSES >= (int)PLAN_MAX_BYPASSES, "prefixes");

static const uint32_t zero;

/* -- a trie ---------------------------------------------------------------------------- */

static struct ingress_bypass_key bypass_table_key(unsigned set, const struct addr_prefix *p)
{
	struct ingress_bypass_key key = {
		.bits = INGRESS_BYPASS_SET_BITS + p->bits,
		.set = htonl(set),
	};

	memcpy(key.addr, p->addr.octets, sizeof(key.addr));
	return key;
}

static int bypass_table_fill(int fd, const struct plan_bypass *list, struct err *err)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct plan_bypass_entry *e = &list->list[i];
		struct ingress_bypass_key key = bypass_table_key(e->set, &e->prefix);
		uint8_t bypassed = !e->redirect;

		if (bpf_map_update_elem(fd, &key, &bypassed, BPF_ANY) < 0)
			return err_set(err, "static bypass: cannot fill a map: %s",
				       strerror(errno));
	}
	return 0;
}

static int bypass_table_make(const struct plan_bypass *list, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "bypass",
				sizeof(struct ingress_bypass_key), sizeof(uint8_t),
				INGRESS_BYPASSES, &opts);

	if (fd < 0)
		return err_set(err, "static bypass: cannot make a map: %s", strerror(errno));
	if (bypass_table_fill(fd, list, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* -- copies ---------------------------------------------------------------------------- */

static size_t bypass_table_size(const struct plan_bypass *list)
{
	return sizeof(*list) + list->n * sizeof(list->list[0]);
}

static void bypass_table_drop(struct bypass_copy *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->list);
	*c = (struct bypass_copy){ .fd = -1 };
}

static bool bypass_table_is_same(const struct bypass_copy *c, const struct plan_bypass *list)
{
	if (!c->list || !list)
		return !c->list && !list;
	return c->list->n == list->n && memcmp(c->list, list, bypass_table_size(list)) == 0;
}

static int bypass_table_copy(const struct plan_bypass *list, struct bypass_copy *out,
			     struct err *err)
{
	size_t size = bypass_table_size(list);

	out->list = malloc(size);
	if (!out->list)
		return err_set(err, "out of memory");
	memcpy(out->list, list, size);
	out->fd = bypass_table_make(list, err);
	if (out->fd >= 0)
		return 0;
	bypass_table_drop(out);
	return -1;
}

static int bypass_table_put_in_force(const struct bypass_table *t, int fd)
{
	return bpf_map_update_elem(t->outer, &zero, &fd, BPF_ANY);
}

/* -- the four steps -------------------------------------------------------------------- */

void bypass_table_init(struct bypass_table *t, int outer)
{
	*t = (struct bypass_table){ .outer = outer,
				    .now.fd = -1,
				    .staged.fd = -1,
				    .before.fd = -1 };
}

int bypass_table_stage(struct bypass_table *t, const struct plan_bypass *list,
		       struct err *err)
{
	if (list && list->n == 0)
		list = NULL;
	bypass_table_drop(&t->staged);
	t->changes = !t->settled || !bypass_table_is_same(&t->now, list);
	return t->changes && list ? bypass_table_copy(list, &t->staged, err) : 0;
}

/* If there are no prefixes any more, the program's configuration, which follows, says so;
 * until then it has those before. */
int bypass_table_switch(struct bypass_table *t, struct err *err)
{
	t->switched = t->changes;
	if (!t->changes)
		return 0;
	t->before = t->now;
	t->now = t->staged;
	t->staged = (struct bypass_copy){ .fd = -1 };
	t->changes = false;
	if (t->now.fd >= 0 && bypass_table_put_in_force(t, t->now.fd) < 0)
		return err_set(err, "static bypass: cannot replace the map: %s",
			       strerror(errno));
	return 0;
}

void bypass_table_settle(struct bypass_table *t)
{
	if (t->now.fd < 0 && (t->switched || !t->settled))
		bpf_map_delete_elem(t->outer, &zero);
	bypass_table_drop(&t->before);
	t->settled = true;
	t->switched = false;
}

void bypass_table_revert(struct bypass_table *t)
{
	bypass_table_drop(&t->staged);
	t->changes = false;
	if (!t->switched)
		return;
	if (t->before.fd >= 0)
		bypass_table_put_in_force(t, t->before.fd);
	bypass_table_drop(&t->now);
	t->now = t->before;
	t->before = (struct bypass_copy){ .fd = -1 };
	t->switched = false;
}

void bypass_table_clear(struct bypass_table *t)
{
	bpf_map_delete_elem(t->outer, &zero);
	bypass_table_drop(&t->now);
	t->settled = true;
}

void bypass_table_free(struct bypass_table *t)
{
	bypass_table_drop(&t->now);
	bypass_table_drop(&t->staged);
	bypass_table_drop(&t->before);
}

bool bypass_table_has(const struct bypass_table *t, enum plan_bypass_set set,
		      const struct addr *a)
{
	const struct addr_prefix whole = addr_prefix_of(a);
	struct ingress_bypass_key key = bypass_table_key(set, &whole);
	uint8_t bypassed;

	return t->now.fd >= 0 && bpf_map_lookup_elem(t->now.fd, &key, &bypassed) == 0 &&
	       bypassed;
}
