/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles redirected packets that arrive at the WCCP interface (TC ingress): unwraps
 * and marks those that a local instance can serve and leaves them to the local stack;
 * sends all others back to the router, or on to the web-cache that had their slot
 * before.
 *
 * Only touches WCCP's GRE packets from a known router or web-cache to our address, and
 * frames from a router that agreed on L2, whose destination is neither ours nor behind
 * this box and which fit a service of that router.  Everything else is left to the next
 * filter (TC_ACT_UNSPEC), as if this one did not exist.
 */
#include "bpf/ingress/ingress_judge.h"
#include "bpf/ingress/ingress_sender.h"
#include "bpf/ingress/ingress_trace.h"
#include "bpf/ingress/ingress_wire.h"

struct config_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	/* By size: clang leaves the type of an inner map's value out of the BTF. */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct ingress_config));
};

/* One element: the configuration in force; empty before the first plan. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct config_map);
} configs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, INGRESS_SERVICES + 1);
	__type(key, __u32);
	__type(value, struct ingress_counters);
} counters SEC(".maps");

/* -- carrying out ------------------------------------------------------------------ */

static __always_inline int ingress_deliver(struct __sk_buff *skb,
					   const struct ingress_job *job)
{
	const struct ingress_config *cfg = job->cfg;

	if (job->by_gre && ingress_unwrap(skb))
		return TC_ACT_SHOT;
	skb->mark = (skb->mark & ~cfg->mark_mask) | cfg->mark;
	return cfg->delivery ? bpf_redirect(cfg->delivery, BPF_F_INGRESS) : TC_ACT_OK;
}

static __always_inline bool ingress_has_mac(const struct ingress_router *r)
{
	return r->mac[0] | r->mac[1] | r->mac[2] | r->mac[3] | r->mac[4] | r->mac[5];
}

/* Does a packet of a router go back by L2? */
static __always_inline bool ingress_returns_bare(const struct ingress_job *job)
{
	if (!job->router)
		return false;
	return job->service ? job->router->return_l2 & job->service->bit : !job->by_gre;
}

/* Send the packet itself as this box would forward it: with one hop less. */
static __always_inline int ingress_bare(struct __sk_buff *skb,
					const struct ingress_job *job)
{
	if (job->by_gre && ingress_unwrap(skb))
		return -1;
	return ingress_age(skb, ETH_HLEN);
}

/* Return a packet to the router that sent it. */
static __always_inline int ingress_return_to_router(struct __sk_buff *skb,
						    const struct ingress_job *job)
{
	const struct ingress_router *r = job->router;
	struct packet_redirect unknown = { .bits = WCCP_RH_UNAVAILABLE };

	if (ingress_returns_bare(job)) {
		if (ingress_bare(skb, job))
			return TC_ACT_SHOT;
		return job->by_gre && ingress_has_mac(r) ? ingress_send_to_mac(skb, r)
							 : ingress_send_back(skb);
	}
	if (job->by_gre ? ingress_readdress(skb, job, job->from)
			: ingress_age(skb, ETH_HLEN) ||
				  ingress_wrap(skb, job, ingress_addr_in(&r->id), unknown))
		return TC_ACT_SHOT;
	return ingress_send_back(skb);
}

/* Another web-cache does not say which router sent it the packet: any router of the
 * service will do, so take the first. */
static __always_inline const struct ingress_router *
ingress_router_for_other(const struct ingress_job *job)
{
	const struct ingress_service *s = job->service;

	if (!s || s->router >= INGRESS_ROUTERS)
		return NULL;
	return &job->cfg->routers[steer_index(s->router, INGRESS_ROUTERS)];
}

static __always_inline bool ingress_returns_bare_for_other(const struct ingress_job *job)
{
	const struct ingress_router *r = ingress_router_for_other(job);

	return r && r->return_l2 & job->service->bit;
}

/* Return a packet that another web-cache handed over. */
static __always_inline int ingress_return_for_other(struct __sk_buff *skb,
						    const struct ingress_job *job)
{
	const struct ingress_router *r = ingress_router_for_other(job);

	if (!r)
		return TC_ACT_SHOT;
	if (r->return_l2 & job->service->bit)
		return ingress_bare(skb, job) ? TC_ACT_SHOT
					      : ingress_send_to_ip(skb,
							   ingress_addr_in(&r->address),
							   r->mac_out);
	/* Routers do not know our bits. */
	return ingress_readdress(skb, job, ingress_addr_in(&r->id)) ||
			       ingress_set_bits(skb, job, 0)
		       ? TC_ACT_SHOT
		       : ingress_send_routed(skb, r->id_out);
}

static __always_inline int ingress_return(struct __sk_buff *skb,
					  const struct ingress_job *job)
{
	return job->router ? ingress_return_to_router(skb, job)
			   : ingress_return_for_other(skb, job);
}

static __always_inline int ingress_hand_over(struct __sk_buff *skb,
					     const struct ingress_job *job)
{
	const struct ingress_service *s = job->service;
	struct packet_redirect redirect;

	if (!s) /* nothing without one is handed over */
		return TC_ACT_SHOT;
	redirect = (struct packet_redirect){
		.bits = (s->type == WCCP_SERVICE_DYNAMIC ? WCCP_RH_DYNAMIC : 0) |
			job->tried << INGRESS_RH_TRY_SHIFT,
		.service = s->id,
		.primary = packet_bucket(&job->p, s->flags),
	};

	/* It has to have the same slot when it comes back. */
	if (!s->n_mask_bits && wccp_vector_has(&s->hot, redirect.primary)) {
		redirect.bits |= WCCP_RH_ALT;
		redirect.alternate = packet_alt_bucket(&job->p, s->flags);
	}
	if (job->by_gre ? ingress_readdress(skb, job, job->other) ||
				  ingress_set_bits(skb, job,
						   job->tried << INGRESS_RH_TRY_SHIFT)
			: ingress_age(skb, ETH_HLEN) ||
				  ingress_wrap(skb, job, job->other, redirect))
		return TC_ACT_SHOT;
	return ingress_send_routed(skb, job->other_out);
}

/* No route is needed: it goes where it came from. */
static __always_inline int ingress_hand_back(struct __sk_buff *skb,
					     const struct ingress_job *job)
{
	if (ingress_readdress(skb, job, job->from) ||
	    ingress_set_bits(skb, job,
			     INGRESS_RH_BACK | (job->redirect.bits & INGRESS_RH_TRY)))
		return TC_ACT_SHOT;
	return ingress_send_back(skb);
}

/* Does a bare packet need GRE?  Always if handed over; if returned, where GRE is
 * agreed. */
static __always_inline bool ingress_needs_wrapping(const struct ingress_job *job,
						   enum ingress_reason reason)
{
	if (job->by_gre)
		return false;
	return reason == INGRESS_HANDED_OVER ||
	       (ingress_is_returned(reason) && !ingress_returns_bare(job));
}

/* By L2, whoever sent it? */
static __always_inline bool ingress_leaves_bare(const struct ingress_job *job,
						enum ingress_reason reason)
{
	if (reason == INGRESS_HANDED_OVER || reason == INGRESS_HANDED_BACK)
		return false;
	return job->router ? ingress_returns_bare(job) : ingress_returns_bare_for_other(job);
}

/* Has the packet used up its TTL, or, if it came wrapped and leaves wrapped, that of the
 * outer header? */
static __always_inline bool ingress_is_too_old(const struct ingress_job *job,
					       enum ingress_reason reason)
{
	if (job->p.ttl <= 1)
		return true;
	return job->by_gre && job->outer_ttl <= 1 && !ingress_leaves_bare(job, reason);
}

/* The reason to drop a packet that should be sent on; else `reason`. */
static __always_inline enum ingress_reason
ingress_check_sending(const struct __sk_buff *skb, const struct ingress_job *job,
		      enum ingress_reason reason)
{
	if (ingress_is_delivered(reason) || ingress_is_dropped(reason) ||
	    reason == INGRESS_ANSWER)
		return reason;
	if (ingress_is_returned(reason) && !job->router && !ingress_router_for_other(job))
		return INGRESS_DROPPED_STRAY;
	if (ingress_is_too_old(job, reason))
		return INGRESS_DROPPED_TTL;
	if (ingress_needs_wrapping(job, reason) && ingress_is_too_long(skb, job))
		return INGRESS_DROPPED_TOO_LONG;
	return reason;
}

/* What is done with a packet; several reasons have the same. */
enum ingress_way {
	INGRESS_DELIVER,
	INGRESS_RETURN,
	INGRESS_HAND_OVER,
	INGRESS_HAND_BACK,
	INGRESS_REFUSE,
	INGRESS_DROP,
};

static __always_inline enum ingress_way ingress_way(enum ingress_reason reason)
{
	if (ingress_is_delivered(reason))
		return INGRESS_DELIVER;
	if (ingress_is_returned(reason))
		return INGRESS_RETURN;
	if (reason == INGRESS_HANDED_OVER)
		return INGRESS_HAND_OVER;
	if (reason == INGRESS_HANDED_BACK)
		return INGRESS_HAND_BACK;
	return reason == INGRESS_DROPPED_TOO_LONG ? INGRESS_REFUSE : INGRESS_DROP;
}

static __always_inline int ingress_carry_out(struct __sk_buff *skb,
					     const struct ingress_job *job,
					     enum ingress_way way)
{
	switch (way) {
	case INGRESS_DELIVER:
		return ingress_deliver(skb, job);
	case INGRESS_RETURN:
		return ingress_return(skb, job);
	case INGRESS_HAND_OVER:
		return ingress_hand_over(skb, job);
	case INGRESS_HAND_BACK:
		return ingress_hand_back(skb, job);
	case INGRESS_REFUSE:
		return ingress_refuse_length(skb, job);
	case INGRESS_DROP:
		break;
	}
	return TC_ACT_SHOT;
}

/* -- counting ------------------------------------------------------------------------ */

static __always_inline bool ingress_choose_counters(struct ingress_job *job)
{
	__u32 index = job->service ? job->service->counters : INGRESS_SERVICES;

	job->count = bpf_map_lookup_elem(&counters, &index);
	return job->count;
}

static __always_inline void ingress_count(const struct ingress_job *job, __u32 octets,
					  enum ingress_reason reason)
{
	struct ingress_counters *c = job->count;

	if (reason >= INGRESS_REASONS)
		return;
	c->packets[steer_index(reason, INGRESS_REASONS_ROOM)]++;
	c->odd_header += job->odd_header;
	if (reason == INGRESS_DELIVERED_NEW) {
		c->client = ingress_addr_out(ingress_src(&job->p));
		c->server = ingress_addr_out(ingress_dst(&job->p));
	} else if (reason == INGRESS_RETURNED_UNANSWERED) {
		c->lost_client = ingress_addr_out(ingress_src(&job->p));
		c->lost_server = ingress_addr_out(ingress_dst(&job->p));
	}
	if (!job->router) {
		c->other_caches++;
		return;
	}
	c->redirected++;
	c->redirected_octets += octets;
}

/* -- all ----------------------------------------------------------------------------- */

static __always_inline const struct ingress_config *ingress_config_in_force(void)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&configs, &zero);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

/* The same, but the verifier does not know what it reads from there, and so follows what is
 * done next once, not once more for each reason. */
static __always_inline enum ingress_reason ingress_opaque(const struct ingress_job *job,
							  enum ingress_reason reason)
{
	volatile __u32 *place = &job->count->reason;

	*place = reason;
	return *place;
}

static __always_inline int ingress_process(struct __sk_buff *skb, struct ingress_job *job)
{
	__u32 octets = skb->len - ETH_HLEN - (job->by_gre ? WRAPPING : 0);
	enum ingress_reason reason;
	enum ingress_way way;
	int action;

	ingress_read_tcp(skb, job); /* now, before it is changed */
	reason = ingress_opaque(job, ingress_judge(skb, job));
	if (ingress_gives_way(reason) && job->service && ingress_is_bypassed(job))
		reason = ingress_opaque(job, INGRESS_RETURNED_BYPASS);
	reason = ingress_check_sending(skb, job, reason);
	way = ingress_way(reason);
	action = ingress_carry_out(skb, job, way);
	if (action == TC_ACT_SHOT && way < INGRESS_REFUSE)
		reason = INGRESS_DROPPED_FAILED;
	ingress_count(job, octets, reason);
	/* Not asked earlier: the verifier would follow everything twice, once for packets
	 * that are told of. */
	if (ingress_is_traced(&job->p))
		ingress_tell(job, reason);
	return action;
}

SEC("tc")
int ingress(struct __sk_buff *skb)
{
	struct ingress_job job = { .cfg = ingress_config_in_force(),
				   .ifindex = skb->ifindex };

	if (!job.cfg || skb->pkt_type != 0 /* PACKET_HOST */ ||
	    skb->protocol != bpf_htons(INGRESS_ETHERTYPE) || !ingress_is_untagged(skb))
		return TC_ACT_UNSPEC;
	if (ingress_parse(skb, ETH_HLEN, &job.p) || !ingress_is_whole(skb, &job.p) ||
	    (!ingress_came_by_gre(skb, &job) && !ingress_came_by_l2(skb, &job)) ||
	    !ingress_choose_counters(&job))
		return TC_ACT_UNSPEC;
	return ingress_process(skb, &job);
}

char LICENSE[] SEC("license") = "GPL";
