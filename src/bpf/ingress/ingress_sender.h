/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: is this a redirected packet, who sent it, and which service is
 * it of?  That depends on what was agreed on with a router and on the packet itself.
 */
#ifndef WCCPD_BPF_INGRESS_SENDER_H
#define WCCPD_BPF_INGRESS_SENDER_H

#include "bpf/ingress/ingress_judge.h"

/* Senders of what looks redirected that nobody knows. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, INGRESS_STRANGERS);
	__type(key, struct ingress_stranger_key);
	__type(value, struct ingress_stranger);
} strangers SEC(".maps");

static __always_inline void ingress_note_stranger(struct ingress_stranger_key key)
{
	struct ingress_stranger *known = bpf_map_lookup_elem(&strangers, &key);
	struct ingress_stranger first = { .packets = 1 };

	if (known)
		known->packets++;
	else
		bpf_map_update_elem(&strangers, &key, &first, BPF_ANY);
}

static __always_inline __u32 ingress_find_addr(const struct ingress_config *cfg,
					       ingress_addr addr)
{
#ifdef INGRESS_V6
	__u64 key = ingress_addr_key(addr), b = ingress_bin(cfg->mix, key);

	for (__u32 i = 0; i < INGRESS_BIN; i++)
		if (cfg->bins[b].keys[i] == key &&
		    ingress_addr_equal(&cfg->bin_addrs[b][i], addr))
			return cfg->bins[b].who[i];
	return INGRESS_NOBODY;
#else
	return ingress_find(cfg, addr);
#endif
}

static __always_inline const struct ingress_service *
ingress_service_at(const struct ingress_config *cfg, __u32 index)
{
	return &cfg->services[steer_index(index, INGRESS_SERVICES)];
}

/* The bit of the service that the redirect header names; 0: not one of ours. */
static __always_inline __u64 ingress_named_service(const struct ingress_job *job)
{
	const struct packet_redirect *r = &job->redirect;
	__u32 index = job->cfg->service_of_id[!!(r->bits & WCCP_RH_DYNAMIC)][r->service];

	if (r->bits & WCCP_RH_UNAVAILABLE || index >= INGRESS_SERVICES)
		return 0;
	return 1ULL << index;
}

/*
 * Of the services in `allowed` that the packet fits, choose the one that the redirect
 * header names, or else the first.  The header alone does not decide: some routers
 * leave it empty, or put other bits there.
 */
static __always_inline void ingress_find_service(struct ingress_job *job, __u64 allowed)
{
	__u64 found = ingress_matching(job->cfg, &job->p) & allowed;
	__u64 named = ingress_named_service(job);

	job->odd_header = !(job->redirect.bits & WCCP_RH_UNAVAILABLE) && !(found & named);
	if (found & named)
		found = named;
	if (found)
		job->service = ingress_service_at(job->cfg, ingress_first(found));
}

/* Is the packet complete, with a whole TCP or UDP header? */
static __always_inline bool ingress_is_whole(const struct __sk_buff *skb,
					     const struct packet *p)
{
	__u32 least = p->l4 - p->l3;

	if (p->has_ports)
		least += p->protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : UDP_HEADER;
	return p->len >= least && p->l3 + p->len <= skb->len;
}

/* This and ingress_came_by_l2() expect the outer packet in job->p; this one puts the
 * inner one there. */
static __always_inline bool ingress_came_by_gre(struct __sk_buff *skb,
						struct ingress_job *job)
{
	const struct ingress_config *cfg = job->cfg;
	const struct packet outer = job->p;
	__u64 allowed = ~0ULL;
	__u32 who;

	if (!ingress_addr_equal(ingress_dst(&outer), ingress_addr_in(&cfg->self)) ||
	    packet_redirect(skb, &outer, &job->redirect))
		return false;
	/* No sender puts options there, and without them the length is constant. */
	if (outer.l4 != ETH_HLEN + IP_HEADER)
		return false;
	who = ingress_find_addr(cfg, ingress_src(&outer));
	if (who == INGRESS_NOBODY) {
		ingress_note_stranger((struct ingress_stranger_key){
			.addr = ingress_addr_out(ingress_src(&outer)) });
		return false;
	}
	if (who < INGRESS_ROUTERS) {
		job->router = &cfg->routers[steer_index(who, INGRESS_ROUTERS)];
		allowed = job->router->services;
	}
	job->by_gre = true;
	job->from = ingress_src(&outer);
	job->outer_ttl = outer.ttl;
	job->malformed = ingress_parse(skb, ETH_HLEN + WRAPPING, &job->p) ||
			 !ingress_is_whole(skb, &job->p) ||
			 job->p.len + WRAPPING > outer.len;
	if (!job->malformed)
		ingress_find_service(job, allowed);
	return true;
}

/*
 * A frame from a MAC address that no router answers ARP with: the virtual one of a pair
 * of routers, or another line card.  If this box does not forward for others, such a
 * frame can only be a redirected one; it is taken as from the router that agreed on L2.
 */
static __always_inline bool ingress_from_unknown_mac(struct ingress_job *job, __u64 key)
{
	const struct ingress_config *cfg = job->cfg;
	__u64 found = ingress_matching(cfg, &job->p) & cfg->by_l2;
	const struct ingress_service *s;

	if (!found)
		return false;
	ingress_note_stranger((struct ingress_stranger_key){ .mac = key });
	s = ingress_service_at(cfg, ingress_first(found));
	if (cfg->forwards || s->l2_router >= INGRESS_ROUTERS)
		return false;
	job->service = s;
	job->router = &cfg->routers[steer_index(s->l2_router, INGRESS_ROUTERS)];
	return true;
}

static __always_inline bool ingress_came_by_l2(struct __sk_buff *skb,
					       struct ingress_job *job)
{
	const struct ingress_config *cfg = job->cfg;
	const __u8 *frame = (const void *)(long)skb->data;
	__u64 found, key;
	__u32 who;

	/* The Ethernet header is always in linear memory. */
	if (frame + ETH_HLEN > (const __u8 *)(long)skb->data_end)
		return false;
	/* Ours, or ordinary traffic to a network behind this box. */
	if (ingress_place(job, ingress_dst(&job->p)) != INGRESS_OUTSIDE)
		return false;
	key = ingress_mac_key(*(const __u32 *)(frame + ETH_ALEN),
			      *(const __u16 *)(frame + ETH_ALEN + 4));
	who = ingress_find(cfg, key);
	if (who >= INGRESS_ROUTERS)
		return who == INGRESS_NOBODY && ingress_from_unknown_mac(job, key);
	job->router = &cfg->routers[steer_index(who, INGRESS_ROUTERS)];
	found = ingress_matching(cfg, &job->p) & job->router->l2;
	if (!found)
		return false;
	job->service = ingress_service_at(cfg, ingress_first(found));
	return true;
}

/* Does the frame belong to the interface's own network?  One of another VLAN does not;
 * a tag with number 0 only gives a priority. */
static __always_inline bool ingress_is_untagged(const struct __sk_buff *skb)
{
	return !skb->vlan_present || !(skb->vlan_tci & 0xfff);
}

#endif
