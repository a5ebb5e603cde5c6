/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, neighbours, the rule and the route that lead marked packets to
 * local sockets, and reverse-path filtering.
 */
#include "dp/link/link.h"

#include "bpf/proof_maps.h"
#include "dp/link/delivery_route.h"
#include "dp/link/link_facts.h"
#include "dp/link/link_prefixes.h"
#include "kernel/route_query.h"
#include "kernel/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
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

/* Routers, or several services of one, whose MAC address is needed and not known. */
struct link_unknown {
	unsigned n;
	struct addr routers[PLAN_MAX_ROUTERS];
	bool silent[PLAN_MAX_ROUTERS];
};

struct link {
	struct nl_sock *sock;
	struct link_made now, before; /* `before` only while `changing` */
	bool changing;		      /* between commit and settle or revert */
	struct delivery_route wanted; /* from stage to commit */
	struct link_unknown unknown;  /* as of the newest look */
	bool is_waiting;	      /* for the MAC address of one of them */
};

int link_new(struct link **out, struct err *err)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(err, "out of memory");
	l->sock = netlink_connect(err);
	if (!l->sock) {
		link_free(l);
		return -1;
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

/*
 * Routers whose packets arrive bare are recognised by their MAC address.  An answer to
 * ARP takes milliseconds and its absence three seconds; until one of them is certain,
 * there is nothing to report.  A router that has been silent once stays so until it
 * answers, though it is asked again and again.
 */
static void link_note_unknown(struct link *l, const struct plan *plan,
			      const struct facts *facts, struct err *trouble)
{
	struct link_unknown before = l->unknown;

	l->unknown = (struct link_unknown){ 0 };
	l->is_waiting = false;
	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct addr *a = &plan->routers[i].address;
		enum neighbour_state state = facts->macs[i].state;
		int known_from = addr_find(before.routers, before.n, a);
		bool silent = state == NEIGHBOUR_SILENT;

		if (!(plan->routers[i].forward & WCCP_METHOD_L2) ||
		    state == NEIGHBOUR_KNOWN)
			continue;
		/* Asked, but the kernel has not even made an entry. */
		if (known_from >= 0)
			silent |=
				state == NEIGHBOUR_ABSENT || before.silent[known_from];
		l->unknown.silent[l->unknown.n] = silent;
		l->unknown.routers[l->unknown.n++] = *a;
		l->is_waiting |= !silent;
		if (silent)
			err_set(trouble,
				"router %s does not answer ARP on %s: its packets "
				"cannot be recognised (L2 needs a common link)",
				ADDR_TEXT(a), plan->interface);
	}
}

bool link_is_waiting(const struct link *l)
{
	return l->is_waiting;
}

/* A number of net.ipv4.conf.INTERFACE; -1: it cannot be read. */
static int link_sysctl(const char *interface, const char *name)
{
	char path[64 + IF_NAMESIZE];
	int value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", interface, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

int link_stage(struct link *l, const struct plan *plan, struct facts *out,
	       struct err *trouble, struct err *err)
{
	out->forwards = link_sysctl(plan->interface, "forwarding") > 0;
	if (link_facts_interface(l->sock, plan->interface, out, err) < 0 ||
	    link_prefixes(l->sock, out, err) < 0 ||
	    link_facts_macs(l->sock, plan, out, err) < 0)
		return -1;
	link_note_unknown(l, plan, out, trouble);
	l->wanted = (struct delivery_route){
		.mark = plan->mark,
		.mask = plan->mark_mask,
		.table = plan->table,
	};
	memcpy(l->wanted.interface, plan->interface, sizeof(l->wanted.interface));
	return 0;
}

/* -- reverse-path filtering ------------------------------------------------------------ */

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
	int all = link_sysctl("all", "rp_filter"), own = link_sysctl(interface, "rp_filter");

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

/* Leave a value alone that someone else has changed since. */
static void link_rp_filter_restore(struct link_rp_filter *f)
{
	if (f->changed && link_sysctl(f->interface, "rp_filter") == FILTER_LOOSE)
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
	l->unknown.n = 0;
	l->is_waiting = false;
}

/* -- explaining ------------------------------------------------------------------------ */

bool link_explain_loss(struct link *l, const struct plan *plan, const struct facts *facts,
		       const struct addr *source, struct err *out)
{
	const struct route_question q = {
		.from = *source,
		.to = addr_v4(PROOF_DESTINATION),
		.mark = plan->mark,
		.iif = facts->ifindex,
	};
	struct route_answer a;
	char text[80];

	if (route_query(l->sock, &q, &a, out) < 0)
		return true;
	if (!a.error && a.type == RTN_LOCAL)
		return false;
	route_answer_text(&a, text, sizeof(text));
	err_set(out,
		"packets delivered on %s (mark 0x%x) are not led to local sockets but are: "
		"%s. A rule or route lies in front of ours (ip rule show; ip route get %s "
		"from %s iif %s mark 0x%x)",
		plan->interface, plan->mark, text, ADDR_TEXT(&q.to), ADDR_TEXT(source),
		plan->interface, plan->mark);
	return true;
}

bool link_explain_no_answer(struct link *l, const struct addr *client, struct err *out)
{
	const struct route_question q = { .to = *client };
	struct route_answer a;
	char text[80];

	if (route_query(l->sock, &q, &a, out) < 0)
		return true;
	if (!a.error && a.type == RTN_UNICAST)
		return false;
	route_answer_text(&a, text, sizeof(text));
	err_set(out, "there is no route back to clients such as %s (%s): see ip route get %s",
		ADDR_TEXT(client), text, ADDR_TEXT(client));
	return true;
}
