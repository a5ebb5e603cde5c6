/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, neighbours, the rule and the route that lead marked packets to
 * local sockets, and reverse-path filtering.
 */
#include "dp/link.h"

#include "dp/delivery_route.h"
#include "dp/link_facts.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A changed rp_filter: that of an interface, and what to put back. */
struct link_rp_filter {
	bool changed;
	char interface[IF_NAMESIZE];
	int before;
};

/* What is made for one plan. */
struct link_made {
	bool has_route;
	struct delivery_route route;
	struct link_rp_filter filter;
};

struct link {
	struct nl_sock *sock;
	struct link_made now, before; /* `before` only while `changing` */
	bool changing;		      /* between commit and settle or revert */
	struct delivery_route wanted; /* from stage to commit */
	/* Routers that did not answer: their silence is waited for only once. */
	unsigned n_silent;
	struct addr silent[PLAN_MAX_ROUTERS];
};

int link_new(struct link **out, struct err *err)
{
	struct link *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return err_set(err, "out of memory");
	l->sock = nl_socket_alloc();
	rc = l->sock ? nl_connect(l->sock, NETLINK_ROUTE) : -NLE_NOMEM;
	if (rc < 0) {
		link_free(l);
		return err_set(err, "netlink: %s", nl_geterror(rc));
	}
	*out = l;
	return 0;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	nl_socket_free(l->sock);
	free(l);
}

/* -- looking ----------------------------------------------------------------------- */

static void link_report_silent(struct link *l, const struct plan *plan,
			       const struct facts *facts, struct err *trouble)
{
	l->n_silent = 0;
	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct plan_router *r = &plan->routers[i];

		if (!(r->forward & WCCP_METHOD_L2) || facts->macs[i].known)
			continue;
		l->silent[l->n_silent++] = r->address;
		err_set(trouble,
			"router %s does not answer ARP on %s: its packets "
			"cannot be recognised (L2 needs a common link)",
			ADDR_TEXT(&r->address), plan->interface);
	}
}

/* Is there one that we have not yet waited for in vain? */
static bool link_has_new_silence(const struct link *l, const struct plan *plan,
				 const struct facts *facts)
{
	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct plan_router *r = &plan->routers[i];

		if (r->forward & WCCP_METHOD_L2 && !facts->macs[i].known &&
		    addr_find(l->silent, l->n_silent, &r->address) < 0)
			return true;
	}
	return false;
}

int link_stage(struct link *l, const struct plan *plan, struct facts *out,
	       struct err *trouble, struct err *err)
{
	if (link_facts_interface(l->sock, plan->interface, out, err) < 0 ||
	    link_facts_own_prefixes(l->sock, out, err) < 0 ||
	    link_facts_macs(l->sock, plan, false, out, err) < 0)
		return -1;
	if (link_has_new_silence(l, plan, out) &&
	    link_facts_macs(l->sock, plan, true, out, err) < 0)
		return -1;
	link_report_silent(l, plan, out, trouble);
	l->wanted = (struct delivery_route){
		.mark = plan->mark,
		.mask = plan->mark_mask,
		.table = plan->table,
	};
	memcpy(l->wanted.interface, plan->interface, sizeof(l->wanted.interface));
	return 0;
}

/* -- reverse-path filtering ------------------------------------------------------------ */

static int link_rp_filter_read(const char *interface)
{
	char path[64 + IF_NAMESIZE];
	int value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", interface);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static int link_rp_filter_write(const char *interface, int value, struct err *err)
{
	char path[64 + IF_NAMESIZE];
	FILE *f;
	int ok;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", interface);
	f = fopen(path, "we");
	ok = f && fprintf(f, "%d\n", value) > 0;
	if (f && fclose(f) != 0)
		ok = 0;
	if (!ok)
		return err_set(err, "%s: %s", path, strerror(errno));
	return 0;
}

/*
 * Clients of redirected packets need not be routed to by this interface, so strict
 * filtering would drop them.  The kernel takes the larger of the value of "all" and
 * of the interface; 2 (loose) wins over 1 (strict), so the interface's own is enough.
 */
enum { FILTER_STRICT = 1, FILTER_LOOSE = 2 };

static int link_rp_filter_loosen(struct link_rp_filter *f, const char *interface,
				 struct err *err)
{
	int all = link_rp_filter_read("all"), own = link_rp_filter_read(interface);

	if (own == FILTER_LOOSE || all == FILTER_LOOSE ||
	    (own != FILTER_STRICT && all != FILTER_STRICT))
		return 0;
	if (link_rp_filter_write(interface, FILTER_LOOSE, err) < 0)
		return -1;
	if (!f->changed)
		f->before = own;
	f->changed = true;
	memcpy(f->interface, interface, sizeof(f->interface));
	return 0;
}

/* Only if it is as we left it: what somebody set meanwhile is his will. */
static void link_rp_filter_restore(struct link_rp_filter *f)
{
	if (f->changed && link_rp_filter_read(f->interface) == FILTER_LOOSE)
		link_rp_filter_write(f->interface, f->before, NULL);
	f->changed = false;
}

/* -- making and removing ----------------------------------------------------------------- */

/* Take away what `old` has and `keep` has not. */
static void link_remove_made(struct link *l, struct link_made *old,
			     const struct link_made *keep)
{
	if (old->has_route &&
	    !(keep->has_route && delivery_route_equal(&old->route, &keep->route)))
		delivery_route_remove(l->sock, &old->route,
				      keep->has_route &&
					      keep->route.table == old->route.table);
	if (old->filter.changed &&
	    !(keep->filter.changed &&
	      !strcmp(old->filter.interface, keep->filter.interface)))
		link_rp_filter_restore(&old->filter);
	*old = (struct link_made){ 0 };
}

int link_commit(struct link *l, struct err *err)
{
	l->before = l->now;
	l->changing = true;
	if (l->now.filter.changed &&
	    strcmp(l->now.filter.interface, l->wanted.interface) != 0)
		l->now.filter.changed = false; /* it lives on in `before` */
	/* Noted before it is made, so that a failure half way is undone as well. */
	l->now.route = l->wanted;
	l->now.has_route = true;
	if (delivery_route_add(l->sock, &l->wanted, err) < 0)
		return -1;
	return link_rp_filter_loosen(&l->now.filter, l->wanted.interface, err);
}

void link_settle(struct link *l)
{
	link_remove_made(l, &l->before, &l->now);
	l->changing = false;
}

void link_revert(struct link *l)
{
	struct link_made failed = l->now;

	if (!l->changing)
		return;
	l->changing = false;
	l->now = l->before;
	l->before = (struct link_made){ 0 };
	link_remove_made(l, &failed, &l->now);
}

void link_clear(struct link *l)
{
	static const struct link_made nothing;

	link_remove_made(l, &l->now, &nothing);
	l->n_silent = 0;
}
