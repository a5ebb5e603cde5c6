/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/egress/egress.h"

#include "bpf/egress_maps.h" /* before the next, which has maps of its types */

#include "bpf/egress/egress.skel.h"
#include "bpf/packet.h"
#include "dp/egress/egress_links.h"
#include "dp/egress/egress_saved.h"
#include "kernel/pins.h"
#include "kernel/tc.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

enum { EGRESS_TC_HANDLE = 0x57434345 /* "WCCE" */ };

struct egress {
	struct egress_bpf *bpf;
	struct egress_saved now;
};

void egress_save(const struct egress *e, struct egress_saved *out)
{
	*out = e->now;
}

int egress_new(struct egress **out, int own_prefixes, int own_prefixes6, struct pins *pins,
	       const struct egress_saved *saved, struct err *err)
{
	struct egress *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return err_set(err, "out of memory");
	e->bpf = egress_bpf__open();
	rc = e->bpf ? bpf_map__reuse_fd(e->bpf->maps.own_prefixes, own_prefixes)
		    : -errno;
	if (rc == 0)
		rc = bpf_map__reuse_fd(e->bpf->maps.own_prefixes6, own_prefixes6);
	if (rc == 0 && pins_reuse(pins, e->bpf->obj, err) < 0) {
		egress_free(e);
		return -1;
	}
	if (rc == 0)
		rc = egress_bpf__load(e->bpf);
	if (rc < 0) {
		egress_free(e);
		return err_set(err, "egress program (TC) refused: %s", strerror(-rc));
	}
	pins_keep(pins, e->bpf->obj);
	if (saved)
		e->now = *saved;
	*out = e;
	return 0;
}

void egress_free(struct egress *e)
{
	if (!e)
		return;
	egress_bpf__destroy(e->bpf);
	free(e);
}

/* -- limits -------------------------------------------------------------------------- */

/* Do answers to packets that instances send to the ports of this service come back
 * by GRE? */
static bool egress_catches_answers(const struct plan *plan, unsigned service,
				   const struct packet_service *s)
{
	bool from_ports = s->protocol == IPPROTO_TCP &&
			  s->flags & WCCP_F_PORTS_DEFINED &&
			  s->flags & WCCP_F_PORTS_SOURCE;

	for (unsigned i = 0; from_ports && i < plan->n_routers; i++)
		if (plan->routers[i].service == service &&
		    (plan->routers[i].forward & WCCP_METHOD_GRE ||
		     plan->n_other_caches > 0))
			return true;
	return false;
}

static void egress_find_limits(const struct plan *plan, const struct facts *facts,
			       struct egress_limits *out)
{
	out->mss = (uint16_t)facts_mss_wrapped(facts, plan->self.family);
	out->ethertype = htons(plan->self.family == ADDR_V6 ? ETH_P_IPV6 : ETH_P_IP);
	out->n = 0;
	if (!out->mss)
		return;
	for (unsigned i = 0; i < plan->n_services; i++) {
		struct packet_service s;

		packet_service_set(&s, &plan->services[i].service);
		if (!egress_catches_answers(plan, i, &s))
			continue;
		for (unsigned k = 0; k < WCCP_MAX_PORTS && s.ports[k]; k++)
			out->ports[out->n++] = s.ports[k];
	}
}

static bool egress_has_port(const struct egress_limits *l, __be16 port)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->ports[i] == port)
			return true;
	return false;
}

static int egress_write_limits(struct egress *e, const struct egress_limits *wanted,
			       struct err *err)
{
	int map = bpf_map__fd(e->bpf->maps.limits);

	for (unsigned i = 0; i < e->now.limits.n; i++) {
		struct egress_key key = { e->now.limits.ethertype, e->now.limits.ports[i] };

		if (!egress_has_port(wanted, key.port))
			bpf_map_delete_elem(map, &key);
	}
	e->now.limits = *wanted;
	for (unsigned i = 0; i < wanted->n; i++) {
		struct egress_key key = { wanted->ethertype, wanted->ports[i] };

		if (bpf_map_update_elem(map, &key, &wanted->mss, BPF_ANY) < 0)
			return err_set(err, "limits: %s", strerror(errno));
	}
	return 0;
}

/* -- interfaces ---------------------------------------------------------------------- */

static bool egress_is_among(const struct egress_links *l, unsigned ifindex)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->ifindex[i] == ifindex)
			return true;
	return false;
}

static void egress_leave_others(struct egress *e, const struct egress_links *wanted)
{
	for (unsigned i = 0; i < e->now.n; i++)
		if (!egress_is_among(wanted, e->now.filters[i].ifindex)) {
			tc_detach(&e->now.filters[i]);
			e->now.filters[i--] = e->now.filters[--e->now.n];
		}
}

static struct tc_filter *egress_filter_at(struct egress *e, unsigned ifindex)
{
	for (unsigned i = 0; i < e->now.n; i++)
		if (e->now.filters[i].ifindex == ifindex)
			return &e->now.filters[i];
	e->now.filters[e->now.n] = (struct tc_filter){ 0 };
	return &e->now.filters[e->now.n++];
}

static int egress_attach(struct egress *e, const struct egress_links *wanted,
			 struct err *err)
{
	const struct tc_programs programs = {
		.handle = EGRESS_TC_HANDLE,
		.priority = TC_PRIORITY,
		.ingress = -1,
		.egress = bpf_program__fd(e->bpf->progs.egress),
	};
	int rc = 0;

	egress_leave_others(e, wanted);
	for (unsigned i = 0; i < wanted->n; i++)
		if (tc_attach(egress_filter_at(e, wanted->ifindex[i]),
			      wanted->ifindex[i], &programs, NULL, err) < 0)
			rc = -1; /* the others are still useful */
	return rc;
}

/* -- following ----------------------------------------------------------------------- */

void egress_follow(struct egress *e, const struct plan *plan, const struct facts *facts,
		   struct err *trouble)
{
	struct egress_limits limits;
	struct egress_links links = { 0 };
	struct err why;

	egress_find_limits(plan, facts, &limits);
	if (limits.n == 0) {
		egress_clear(e);
		return;
	}
	if (egress_links_find(plan->self.family, &links, &why) < 0 ||
	    egress_write_limits(e, &limits, &why) < 0 ||
	    egress_attach(e, &links, &why) < 0)
		err_set(trouble, "the MSS towards origins is not limited: %s",
			why.text);
}

void egress_clear(struct egress *e)
{
	static const struct egress_limits none;
	static const struct egress_links nowhere;

	egress_leave_others(e, &nowhere);
	egress_write_limits(e, &none, NULL);
}
