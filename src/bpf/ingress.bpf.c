/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirected packets, as they come in by the WCCP interface (TC ingress): those
 * that a local instance can serve are unwrapped, marked and left to the local
 * stack; all others go back to the router, or on to the web-cache that had their
 * bucket before.
 *
 * Touched are only GRE packets of WCCP from a known router or another web-cache to
 * our address, and frames from the MAC address of a router that agreed on L2, for
 * a destination that is not ours, which fit a service of that router.  For the
 * rest the next filter decides (TC_ACT_UNSPEC), as if this one were not there.
 */
#include "bpf/ingress_judge.h"
#include "bpf/ingress_wire.h"

struct config_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	/* By size: clang leaves the type of an inner map's value out of the BTF. */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct ingress_config));
};

/* One element: the configuration in force; none before the first plan. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct config_map);
} configs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, INGRESS_SERVICES);
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
	return TC_ACT_OK;
}

static __always_inline bool ingress_has_mac(const struct ingress_router *r)
{
	return r->mac[0] | r->mac[1] | r->mac[2] | r->mac[3] | r->mac[4] | r->mac[5];
}

/* By L2, of what a router sent? */
static __always_inline bool ingress_returns_bare(const struct ingress_job *job)
{
	return job->service && job->router->return_l2 & job->service->bit;
}

/* The way back of what a router sent. */
static __always_inline int ingress_return_to_router(struct __sk_buff *skb,
						    const struct ingress_job *job)
{
	const struct ingress_router *r = job->router;
	bool by_l2 = ingress_returns_bare(job);
	struct packet_redirect unknown = { .bits = WCCP_RH_UNAVAILABLE };

	if (job->by_gre && by_l2) {
		if (ingress_unwrap(skb))
			return TC_ACT_SHOT;
		return ingress_has_mac(r) ? ingress_send_to_mac(skb, r->mac)
					  : ingress_send_back(skb);
	}
	if (job->by_gre && ingress_readdress(skb, job, job->from))
		return TC_ACT_SHOT;
	if (!job->by_gre && !by_l2 && ingress_wrap(skb, job, r->id, unknown))
		return TC_ACT_SHOT;
	return ingress_send_back(skb);
}

/* The way back of what another web-cache handed over.  It does not say which router it had
 * it from: the service's first one will do. */
static __always_inline int ingress_return_for_other(struct __sk_buff *skb,
						    const struct ingress_job *job)
{
	const struct ingress_service *s = job->service;
	const struct ingress_router *r;

	if (!s || s->router >= INGRESS_ROUTERS)
		return TC_ACT_SHOT;
	r = &job->cfg->routers[steer_index(s->router, INGRESS_ROUTERS)];
	if (r->return_l2 & s->bit)
		return ingress_unwrap(skb) ? TC_ACT_SHOT
					   : ingress_send_to_ip(skb, r->address);
	return ingress_readdress(skb, job, r->id) ? TC_ACT_SHOT
						  : ingress_send_to_ip(skb, 0);
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
	__u32 bucket = ingress_bucket(job);
	struct packet_redirect redirect = {
		.bits = s->type == WCCP_SERVICE_DYNAMIC ? WCCP_RH_DYNAMIC : 0,
		.service = s->id,
		.primary = bucket,
	};
	__be32 to = s->handover[bucket];

	if (job->by_gre ? ingress_readdress(skb, job, to)
			: ingress_wrap(skb, job, to, redirect))
		return TC_ACT_SHOT;
	return ingress_send_to_ip(skb, 0);
}

/* What came bare leaves wrapped: handed over always, returned where GRE is agreed. */
static __always_inline bool ingress_needs_wrapping(const struct ingress_job *job,
						   enum ingress_verdict verdict)
{
	if (job->by_gre)
		return false;
	return verdict == HAND_OVER ||
	       (verdict == GIVE_BACK && !ingress_returns_bare(job));
}

static __always_inline int ingress_carry_out(struct __sk_buff *skb,
					     const struct ingress_job *job,
					     enum ingress_verdict verdict)
{
	struct ingress_counters *count = job->count;
	__u64 *counter = &count->dropped;
	int action = TC_ACT_SHOT;

	if (ingress_needs_wrapping(job, verdict) && ingress_is_too_long(skb, job))
		verdict = REFUSE_LENGTH;
	if (verdict == DELIVER || verdict == DELIVER_NEW) {
		action = ingress_deliver(skb, job);
		counter = &count->delivered;
	} else if (verdict == GIVE_BACK) {
		action = ingress_return(skb, job);
		counter = &count->returned;
	} else if (verdict == HAND_OVER) {
		action = ingress_hand_over(skb, job);
		counter = &count->handed_over;
	} else if (verdict == REFUSE_LENGTH) {
		action = ingress_refuse_length(skb, job);
	}
	if (action == TC_ACT_SHOT)
		counter = &count->dropped;
	(*counter)++;
	if (verdict == DELIVER_NEW && action != TC_ACT_SHOT)
		count->new_flows++;
	return action;
}

/* -- whose packet is it? ------------------------------------------------------------- */

static __always_inline const struct ingress_service *
ingress_service_at(const struct ingress_config *cfg, __u32 index)
{
	return &cfg->services[steer_index(index, INGRESS_SERVICES)];
}

/* Of the services in `allowed`, the one that the redirect header names; or, when it
 * names none, the first that the packet fits. */
static __always_inline const struct ingress_service *
ingress_service_of_gre(const struct ingress_job *job, __u64 allowed)
{
	const struct ingress_config *cfg = job->cfg;
	const struct packet_redirect *r = &job->redirect;
	const struct ingress_service *s;
	__u32 index;

	if (r->bits & WCCP_RH_UNAVAILABLE) {
		__u64 found = ingress_matching(cfg, &job->p) & allowed;

		return found ? ingress_service_at(cfg, ingress_first(found)) : NULL;
	}
	index = cfg->service_of_id[!!(r->bits & WCCP_RH_DYNAMIC)][r->service];
	if (index >= INGRESS_SERVICES)
		return NULL;
	s = ingress_service_at(cfg, index);
	return s->bit & allowed ? s : NULL;
}

/* Both expect the frame's own packet in job->p; what came by GRE is put there. */
static __always_inline bool ingress_came_by_gre(struct __sk_buff *skb,
						struct ingress_job *job)
{
	const struct ingress_config *cfg = job->cfg;
	const struct packet outer = job->p;
	__u64 allowed = ~0ULL;
	__u32 who;

	if (outer.dst != cfg->self || packet_redirect(skb, &outer, &job->redirect))
		return false;
	/* Nobody puts options there, and without them it is one length. */
	if (outer.l4 != ETH_HLEN + sizeof(struct iphdr))
		return false;
	who = ingress_find(cfg, outer.src);
	if (who == INGRESS_NOBODY || packet_parse(skb, ETH_HLEN + WRAPPING, &job->p))
		return false;
	if (who < INGRESS_ROUTERS) {
		job->router = &cfg->routers[steer_index(who, INGRESS_ROUTERS)];
		allowed = job->router->services;
	}
	job->by_gre = true;
	job->from = outer.src;
	job->service = ingress_service_of_gre(job, allowed);
	return true;
}

static __always_inline bool ingress_came_by_l2(struct __sk_buff *skb,
					       struct ingress_job *job)
{
	const struct ingress_config *cfg = job->cfg;
	const __u8 *frame = (const void *)(long)skb->data;
	__u64 found;
	__u32 who;

	/* A frame's own header is never in fragments of memory. */
	if (frame + ETH_HLEN > (const __u8 *)(long)skb->data_end)
		return false;
	who = ingress_find(cfg,
			   ingress_mac_key(*(const __u32 *)(frame + ETH_ALEN),
					   *(const __u16 *)(frame + ETH_ALEN + 4)));
	if (who >= INGRESS_ROUTERS || ingress_is_own(cfg, job->p.dst))
		return false;
	job->router = &cfg->routers[steer_index(who, INGRESS_ROUTERS)];
	found = ingress_matching(cfg, &job->p) & job->router->l2;
	if (!found)
		return false;
	job->service = ingress_service_at(cfg, ingress_first(found));
	return true;
}

static __always_inline const struct ingress_config *ingress_config_in_force(void)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&configs, &zero);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

SEC("tc")
int ingress(struct __sk_buff *skb)
{
	struct ingress_job job = { .cfg = ingress_config_in_force() };
	__u32 index;

	if (!job.cfg || skb->pkt_type != 0 /* PACKET_HOST */ ||
	    skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	if (packet_parse(skb, ETH_HLEN, &job.p) ||
	    (!ingress_came_by_gre(skb, &job) && !ingress_came_by_l2(skb, &job)))
		return TC_ACT_UNSPEC;
	/* A service that we do not have (any more): the router shall see to it. */
	if (!job.service)
		return ingress_return(skb, &job);
	index = job.service->counters;
	job.count = bpf_map_lookup_elem(&counters, &index);
	if (!job.count)
		return TC_ACT_UNSPEC;
	if (job.router) {
		job.count->redirected++;
		job.count->redirected_octets += skb->len - job.p.l3;
	}
	return ingress_carry_out(skb, &job, ingress_judge(skb, &job));
}

char LICENSE[] SEC("license") = "GPL";
