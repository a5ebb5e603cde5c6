/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of router.bpf.c: redirect lists.
 */
#ifndef WCCPD_BPF_ROUTER_LIST_H
#define WCCPD_BPF_ROUTER_LIST_H

#include "bpf/router/router_state.h"

/* 0 when the address has the prefix.  No branches, as the verifier follows each. */
static __always_inline __u32 fwd_list_differs(const struct packet_addr *a,
					      const struct router_rule_end *end)
{
	return ((a->words[0] & end->mask.words[0]) ^ end->prefix.words[0]) |
	       ((a->words[1] & end->mask.words[1]) ^ end->prefix.words[1]) |
	       ((a->words[2] & end->mask.words[2]) ^ end->prefix.words[2]) |
	       ((a->words[3] & end->mask.words[3]) ^ end->prefix.words[3]);
}

/* `port` in host order. */
static __always_inline bool fwd_list_has_port(__u16 port,
					      const struct router_rule_end *end)
{
	return (__u16)(port - end->low) <= end->span;
}

static __always_inline bool fwd_list_fits(const struct fwd_job *job,
					  const struct router_rule *r)
{
	if (fwd_list_differs(&job->src, &r->src) | fwd_list_differs(&job->dst, &r->dst))
		return false;
	if (r->has_protocol && r->protocol != job->p.protocol)
		return false;
	if (!r->has_ports)
		return true;
	return job->p.has_ports &&
	       fwd_list_has_port(bpf_ntohs(job->p.sport), &r->src) &&
	       fwd_list_has_port(bpf_ntohs(job->p.dport), &r->dst);
}

/* Does the list of service `number` permit the packet?  A packet that no rule fits is
 * denied. */
static __always_inline bool fwd_list_permits(const struct fwd_job *job, __u32 number)
{
	const struct router_list *list = bpf_map_lookup_elem(&redirect_lists, &number);
	__u32 i;

	if (!list)
		return false;
	for (i = 0; i < ROUTER_MAX_RULES; i++) {
		if (i >= list->n)
			break;
		if (fwd_list_fits(job, &list->rules[i]))
			return list->rules[i].permit;
	}
	return false;
}

#endif
