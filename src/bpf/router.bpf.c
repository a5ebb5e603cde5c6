// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packet path of wccprouter: TC ingress, direct action.
 *
 * On redirect-in interfaces the packets of a service go to the web-cache that has
 * their bucket, wrapped in GRE or as they are (L2).  On caches-in interfaces what
 * web-caches return in GRE is unwrapped and left to the stack.  What this program
 * has no business with it leaves to other filters and to the stack.
 *
 * Userspace replaces the whole table of services at once by putting a new inner
 * map into `tables`; a packet works with the one it found (RCU), never with half
 * of each.  Helpers used are those of Linux 5.10.
 */
#include "router_choice.h"
#include "router_state.h"
#include "router_wire.h"

#include <linux/if_packet.h>

/* ---- returned packets ---- */

/* The service that a redirect header names, for counting. */
static __always_inline __u32 number_of(const struct packet_redirect *r)
{
	__u32 key = (r->bits & WCCP_RH_DYNAMIC ? 1u << 8 : 0) | r->service;
	__u32 *number = bpf_map_lookup_elem(&numbers, &key);

	if (r->bits & WCCP_RH_UNAVAILABLE || !number || !*number)
		return ROUTER_MAX_SERVICES;
	return *number - 1;
}

/* A GRE packet by which a member returns one to us (2.0 section 4.13)? */
static __always_inline bool is_returned(struct __sk_buff *skb, const struct job *job,
					struct packet_redirect *redirect)
{
	return job->p.protocol == IPPROTO_GRE && groups_of(&job->src) &&
	       bpf_map_lookup_elem(&own, &job->dst) &&
	       packet_redirect(skb, &job->p, redirect) == 0;
}

static __always_inline int take_back(struct __sk_buff *skb, const struct job *job,
				     const struct packet_redirect *redirect)
{
	__u32 number = number_of(redirect);

	if (unwrap(skb, job)) {
		COUNT(number, dropped);
		return DROP;
	}
	COUNT(number, returned);
	return PASS;
}

/* ---- redirection ---- */

/* Nobody takes it: 2.0 section 4.11.1 lets it go its way, a closed service not. */
static __always_inline int unassigned(const struct router_entry *s)
{
	COUNT(s->number, unassigned);
	if (!s->closed)
		return PASS;
	COUNT(s->number, dropped);
	return DROP;
}

/* The packet fits service `s`. */
static __always_inline int redirect(struct __sk_buff *skb, const struct job *job,
				    const struct router_entry *s)
{
	struct packet_redirect header = {
		.bits = s->match.type == WCCP_SERVICE_DYNAMIC ? WCCP_RH_DYNAMIC : 0,
		.service = s->match.id,
	};
	const struct router_target *t = find_target(job, s, &header);

	if (!t)
		return unassigned(s);
	if (job->p.ttl <= 1)
		return PASS; /* the stack tells its sender */
	return send_to(skb, job, s, t, &header);
}

static __always_inline int handle(struct __sk_buff *skb, struct job *job)
{
	const struct router_entry *service;
	struct packet_redirect header;

	if (job_parse(skb, ETH_HLEN, job))
		return PASS;
	if (job->roles & ROUTER_IF_CACHES && is_returned(skb, job, &header))
		return take_back(skb, job, &header);
	if (!(job->roles & ROUTER_IF_REDIRECT))
		return PASS;
	service = find_service(skb, job);
	return service ? redirect(skb, job, service) : PASS;
}

SEC("tc")
int router_ingress(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex, zero = 0;
	const __u32 *roles = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct job *job;

	/* A tagged frame belongs to the VLAN's own interface. */
	if (!roles || skb->vlan_present || skb->pkt_type != PACKET_HOST ||
	    (skb->protocol != bpf_htons(ETH_P_IPV6) &&
	     skb->protocol != bpf_htons(ETH_P_IP)))
		return PASS;
	job = bpf_map_lookup_elem(&jobs, &zero);
	if (!job)
		return PASS;
	job->roles = *roles;
	job->v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	return handle(skb, job);
}

char _license[] SEC("license") = "GPL";
