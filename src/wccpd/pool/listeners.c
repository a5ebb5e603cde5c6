/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/pool/listeners.h"

#include "clock.h"
#include "foreign/process_sockets.h"
#include "wccpd/pool/listeners_dump.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* An owner that cannot be seen from here (another pid namespace) must not cost a
	 * walk through /proc at every look. */
	SCAN_SEARCHES = 5,
	SCAN_SEARCHES_PLAIN = 1,
	/* Whoever opens and closes sockets without an end can have 1/40 of a processor. */
	SCAN_PAUSE = 40,
	/* Beyond that, those that are not transparent are not remembered. */
	SCAN_MOST = 1 << 16,
};

struct scan_known {
	struct listener listener; /* inode 0: a free place */
	unsigned searches;	  /* made in vain for its owner */
};

/* A hash table by inode. */
struct scan_table {
	unsigned n, room; /* a power of two, more than twice n */
	struct scan_known *places;
};

struct listeners_scan {
	unsigned n_ports;
	uint16_t ports[LISTENERS_PORTS];
	unsigned n_endpoints;
	struct listeners_endpoint endpoints[LISTENERS_ENDPOINTS]; /* in order of ports */
	struct scan_table now, before;
	struct mono next_walk; /* for the owners of plain ones */
	bool out_of_memory;
	unsigned missing; /* owners, of the walk under way */
};

/* -- the table --------------------------------------------------------------------- */

/* Where it is, or would be. */
static struct scan_known *scan_place(const struct scan_table *t, uint64_t inode)
{
	unsigned i = (unsigned)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (i &= t->room - 1; t->places[i].listener.inode; i = (i + 1) & (t->room - 1))
		if (t->places[i].listener.inode == inode)
			break;
	return &t->places[i];
}

static struct scan_known *scan_find(const struct scan_table *t, uint64_t inode)
{
	struct scan_known *k = t->n ? scan_place(t, inode) : NULL;

	return k && k->listener.inode ? k : NULL;
}

static bool scan_grow(struct scan_table *t)
{
	struct scan_table grown = { .n = t->n, .room = t->room ? 2 * t->room : 64 };

	grown.places = calloc(grown.room, sizeof(*grown.places));
	if (!grown.places)
		return false;
	for (unsigned i = 0; i < t->room; i++)
		if (t->places[i].listener.inode)
			*scan_place(&grown, t->places[i].listener.inode) = t->places[i];
	free(t->places);
	*t = grown;
	return true;
}

static bool scan_add(struct scan_table *t, const struct scan_known *k)
{
	if (2 * (t->n + 1) > t->room && !scan_grow(t))
		return false;
	*scan_place(t, k->listener.inode) = *k;
	t->n++;
	return true;
}

/* Make it small again, too, after there were many. */
static void scan_empty(struct scan_table *t)
{
	if (t->room > 64 && t->n < t->room / 16) {
		free(t->places);
		*t = (struct scan_table){ 0 };
	}
	if (t->n)
		memset(t->places, 0, t->room * sizeof(*t->places));
	t->n = 0;
}

/* -- what is there ----------------------------------------------------------------- */

bool listeners_is_at(const struct addr *listens, const struct addr *at)
{
	return !addr_is_set(listens) || addr_equal(listens, at);
}

static bool scan_is_endpoint(const struct listeners_scan *s,
			     const struct listeners_socket *found)
{
	unsigned first = 0, end = s->n_endpoints;

	while (first < end) {
		unsigned middle = (first + end) / 2;

		if (s->endpoints[middle].port < found->port)
			first = middle + 1;
		else
			end = middle;
	}
	for (; first < s->n_endpoints && s->endpoints[first].port == found->port; first++)
		if (listeners_is_at(&found->at, &s->endpoints[first].at))
			return true;
	return false;
}

static void scan_take(void *arg, const struct listeners_socket *found)
{
	struct listeners_scan *s = arg;
	const struct scan_known *before = scan_find(&s->before, found->inode);
	struct scan_known k = { .listener = { .fd = -1 } };
	bool plain = found->plain && !scan_is_endpoint(s, found);

	if (!found->inode || scan_find(&s->now, found->inode) ||
	    (plain && s->now.n >= SCAN_MOST))
		return;
	if (before)
		k = *before;
	/* It may be told to be transparent when it listens already. */
	if (before && before->listener.plain && !plain)
		k.searches = 0;
	k.listener.port = found->port;
	k.listener.at = found->at;
	k.listener.inode = found->inode;
	k.listener.plain = plain;
	if (!scan_add(&s->now, &k))
		s->out_of_memory = true;
}

static int scan_dump(struct listeners_scan *s, struct err *err)
{
	struct scan_table spare = s->before;

	s->before = s->now;
	s->now = spare;
	scan_empty(&s->now);
	s->out_of_memory = false;
	if (listeners_dump(s->ports, s->n_ports, scan_take, s, err) == 0) {
		if (!s->out_of_memory)
			return 0;
		err_set(err, "out of memory");
	}
	spare = s->before; /* all that we know */
	s->before = s->now;
	s->now = spare;
	return -1;
}

/* -- owners ------------------------------------------------------------------------ */

static bool scan_is_missing(const struct scan_known *k)
{
	return k->listener.inode && !k->listener.pid &&
	       k->searches < (k->listener.plain ? SCAN_SEARCHES_PLAIN : SCAN_SEARCHES);
}

static bool scan_take_owner(void *arg, pid_t pid, int fd, uint64_t inode)
{
	struct listeners_scan *s = arg;
	struct scan_known *k = scan_find(&s->now, inode);

	if (k && scan_is_missing(k)) {
		k->listener.pid = pid;
		k->listener.fd = fd;
		s->missing--;
	}
	return s->missing > 0;
}

static void scan_walk(struct listeners_scan *s)
{
	int64_t began = clock_cpu_us();

	if (process_sockets_of_all(scan_take_owner, s) < 0)
		return; /* for want of descriptors: that is nobody's fault */
	for (unsigned i = 0; i < s->now.room; i++)
		if (scan_is_missing(&s->now.places[i]))
			s->now.places[i].searches++;
	s->next_walk = mono_add_ms(
		clock_now(), SCAN_PAUSE * ((clock_cpu_us() - began) / 1000 + 1));
}

static void scan_find_owners(struct listeners_scan *s)
{
	unsigned urgent = 0, missing = 0;

	for (unsigned i = 0; i < s->now.room; i++) {
		const struct scan_known *k = &s->now.places[i];

		missing += scan_is_missing(k);
		urgent += scan_is_missing(k) && !k->listener.plain;
	}
	s->missing = missing;
	if (urgent || (missing && mono_due(s->next_walk, clock_now())))
		scan_walk(s);
}

/* -- the result -------------------------------------------------------------------- */

static int scan_compare_ports(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* By port, then those that can be of an instance, those with an owner, and the oldest
 * first. */
static int scan_compare(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;

	if (x->port != y->port)
		return x->port - y->port;
	if (x->plain != y->plain)
		return x->plain - y->plain;
	if (!x->pid != !y->pid)
		return !x->pid - !y->pid;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static void scan_report(const struct listener *sorted, unsigned n, struct listeners *out)
{
	unsigned plain = 0;

	out->n = 0;
	for (unsigned i = 0; i < n && out->n < LISTENERS_MAX; i++) {
		if (i && sorted[i].port != sorted[i - 1].port)
			plain = 0;
		if (!sorted[i].plain || plain++ < LISTENERS_PLAIN)
			out->list[out->n++] = sorted[i];
	}
}

int listeners_scan_look(struct listeners_scan *s, struct listeners *out, struct err *err)
{
	struct listener *all;
	unsigned n = 0;

	if (scan_dump(s, err) < 0)
		return -1;
	scan_find_owners(s);
	all = calloc(s->now.n + 1, sizeof(*all));
	if (!all)
		return err_set(err, "out of memory");
	for (unsigned i = 0; i < s->now.room; i++)
		if (s->now.places[i].listener.inode)
			all[n++] = s->now.places[i].listener;
	qsort(all, n, sizeof(*all), scan_compare);
	scan_report(all, n, out);
	free(all);
	return 0;
}

const struct listener *listeners_at(const struct listeners *all, uint16_t port,
				    unsigned *n)
{
	unsigned first = 0, end = all->n;

	while (first < end) {
		unsigned middle = (first + end) / 2;

		if (all->list[middle].port < port)
			first = middle + 1;
		else
			end = middle;
	}
	for (end = first; end < all->n && all->list[end].port == port;)
		end++;
	*n = end - first;
	return &all->list[first];
}

/* -- life -------------------------------------------------------------------------- */

struct listeners_scan *listeners_scan_new(void)
{
	struct listeners_scan *s = calloc(1, sizeof(*s));

	if (s)
		s->next_walk = clock_now();
	return s;
}

void listeners_scan_free(struct listeners_scan *s)
{
	if (!s)
		return;
	free(s->now.places);
	free(s->before.places);
	free(s);
}

static int scan_compare_endpoints(const void *a, const void *b)
{
	const struct listeners_endpoint *x = a, *y = b;

	return x->port - y->port;
}

void listeners_scan_set_endpoints(struct listeners_scan *s,
				  const struct listeners_endpoint *list, unsigned n)
{
	memcpy(s->endpoints, list, n * sizeof(*list));
	qsort(s->endpoints, n, sizeof(*list), scan_compare_endpoints);
	s->n_endpoints = n;
}

void listeners_scan_set_ports(struct listeners_scan *s, const uint16_t *ports, unsigned n)
{
	unsigned kept = 0;

	memcpy(s->ports, ports, n * sizeof(*ports));
	qsort(s->ports, n, sizeof(*ports), scan_compare_ports);
	for (unsigned i = 0; i < n; i++)
		if (!kept || s->ports[i] != s->ports[kept - 1])
			s->ports[kept++] = s->ports[i];
	s->n_ports = kept;
}
