// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packet path of wccprouter: TC, direct action; one program for what comes in and
 * one for what goes out.
 *
 * On redirect-in and redirect-out interfaces the packets of a service go to the
 * web-cache that has their bucket, wrapped in GRE or as they are (L2).  On caches-in
 * interfaces what web-caches return in GRE is unwrapped and left to the stack.  What
 * these programs have no business with they leave to other filters and to the stack.
 *
 * Userspace replaces the whole table of services at once by putting a new inner
 * map into `tables`; a packet works with the one it found (RCU), never with half
 * of each.  Helpers used are those of Linux 5.10.
 */
#include "bpf/router/router_choice.h"
#include "bpf/router/router_state.h"
#include "bpf/router/router_wire.h"

#include <linux/if_packet.h>

/* -- returned packets -------------------------------------------------------------- */

/* The service that a redirect header names, for counting. */
static __always_inline __u32 fwd_number(const struct packet_redirect *r)
{
	__u32 key = (r->bits & WCCP_RH_DYNAMIC ? 1u << 8 : 0) | r->service;
	__u32 *number = bpf_map_lookup_elem(&numbers, &key);

	if (r->bits & WCCP_RH_UNAVAILABLE || !number || !*number)
		return ROUTER_MAX_SERVICES;
	return *number - 1;
}

/* A GRE packet by which a member returns one to us (2.0 section 4.13)? */
static __always_inline bool fwd_is_returned(struct __sk_buff *skb,
					    const struct fwd_job *job,
					    struct packet_redirect *redirect)
{
	return job->p.protocol == IPPROTO_GRE && fwd_memberships(&job->src) &&
	       bpf_map_lookup_elem(&own, &job->dst) &&
	       packet_redirect(skb, &job->p, redirect) == 0;
}

/* Can this router have redirected the packet to the member that returns it?  Otherwise
 * a member would reach this host itself, past its packet filter's view, or have it
 * forward anything. */
static __always_inline bool fwd_is_returnable(const struct fwd_job *job,
					      struct fwd_job *inner)
{
	inner->services = fwd_memberships(&job->src);
	return !fwd_is_confined(inner) && !bpf_map_lookup_elem(&own, &inner->dst) &&
	       fwd_first_fit(inner, 0);
}

static __always_inline int fwd_take_back(struct __sk_buff *skb,
					 const struct fwd_job *job,
					 const struct packet_redirect *redirect)
{
	struct fwd_job *inner = fwd_job(FWD_INNER);
	__u32 number = fwd_number(redirect);

	if (!inner || fwd_parse_inner(skb, job, inner)) {
		FWD_COUNT(number, dropped);
		return DROP;
	}
	if (!fwd_is_returnable(job, inner)) {
		FWD_COUNT(number, unreturnable);
		return DROP;
	}
	if (fwd_unwrap(skb, job)) {
		FWD_COUNT(number, dropped);
		return DROP;
	}
	FWD_COUNT(number, returned);
	return PASS;
}

/* -- redirection ------------------------------------------------------------------- */

/* Nobody takes it: 2.0 section 4.11.1 lets it go its way, a closed service not. */
static __always_inline int fwd_unassigned(const struct router_entry *s)
{
	FWD_COUNT(s->number, unassigned);
	if (!s->closed)
		return PASS;
	FWD_COUNT(s->number, dropped);
	return DROP;
}

/* The packet fits service `s`. */
static __always_inline int fwd_redirect(struct __sk_buff *skb,
					const struct fwd_job *job,
					const struct router_entry *s)
{
	struct packet_redirect header = {
		.bits = s->match.type == WCCP_SERVICE_DYNAMIC ? WCCP_RH_DYNAMIC : 0,
		.service = s->match.id,
	};
	const struct router_target *t = fwd_find_target(job, s, &header);

	if (!t)
		return fwd_unassigned(s);
	if (job->p.ttl <= 1 && !job->leaving)
		return PASS; /* the stack tells its sender */
	return fwd_send_to_cache(skb, job, s, t, &header);
}

static __always_inline int fwd_redirect_if_wanted(struct __sk_buff *skb,
						  const struct fwd_job *job)
{
	const struct router_entry *service = fwd_find_service(skb, job);

	return service ? fwd_redirect(skb, job, service) : PASS;
}

/* -- the programs ------------------------------------------------------------------ */

/* A job for this packet, if it is one of IP without a tag: a tagged frame belongs to
 * the VLAN's own interface. */
static __always_inline struct fwd_job *fwd_new_job(struct __sk_buff *skb)
{
	bool v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	struct fwd_job *job;

	if ((!v6 && skb->protocol != bpf_htons(ETH_P_IP)) || skb->vlan_present)
		return NULL;
	job = fwd_job(FWD_OUTER);
	if (job)
		job->v6 = v6;
	return job;
}

SEC("tc")
int fwd_ingress(struct __sk_buff *skb)
{
	const struct router_interface *here = fwd_interface(skb->ifindex);
	struct fwd_job *job = fwd_new_job(skb);
	struct packet_redirect header;

	if (!here || !job || skb->pkt_type != PACKET_HOST)
		return PASS;
	job->roles = here->roles;
	job->services = here->in;
	job->leaving = false;
	if (fwd_parse(skb, ETH_HLEN, job))
		return PASS;
	if (job->roles & ROUTER_IF_CACHES && fwd_is_returned(skb, job, &header))
		return fwd_take_back(skb, job, &header);
	return job->roles & ROUTER_IF_REDIRECT ? fwd_redirect_if_wanted(skb, job)
					       : PASS;
}

/* Only what the stack forwards, has not from a web-cache (what those return, by whatever
 * method, has come in on one of their interfaces), and does not bring to one: the
 * interface may be the web-caches' own. */
SEC("tc")
int fwd_egress(struct __sk_buff *skb)
{
	const struct router_interface *from = fwd_interface(skb->ingress_ifindex);
	const struct router_interface *here = fwd_interface(skb->ifindex);
	struct fwd_job *job;

	if (fwd_take_sign(skb) || !skb->ingress_ifindex || !here)
		return PASS;
	if (from && from->roles & (ROUTER_IF_CACHES | ROUTER_IF_EXCLUDED))
		return PASS;
	job = fwd_new_job(skb);
	if (!job)
		return PASS;
	job->roles = 0;
	job->services = here->out;
	job->leaving = true;
	if (fwd_parse(skb, ETH_HLEN, job) || fwd_memberships(&job->dst))
		return PASS;
	return fwd_redirect_if_wanted(skb, job);
}

char _license[] SEC("license") = "GPL";
