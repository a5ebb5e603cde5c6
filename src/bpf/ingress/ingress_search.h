/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: which web-cache has a flow that no socket here has?
 *
 * The one that had the slot last is asked first, then others, by handing the packet over.
 * Who has no socket for it hands it back, and the next is asked; if all have, it goes to
 * the router.  Only the one that got the packet from a router asks, and each time it
 * comes back it has been to one more, so that it cannot circulate.  What was found out is
 * remembered for the packets that follow.
 */
#ifndef WCCPD_BPF_INGRESS_SEARCH_H
#define WCCPD_BPF_INGRESS_SEARCH_H

#include "bpf/ingress/ingress_wire.h"

/* After this it is found out again: a connection may be new under an old name. */
#define INGRESS_SEARCH_NS 30000000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, INGRESS_SEARCHES);
	__type(key, struct ingress_flow);
	__type(value, struct ingress_search);
} searches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, INGRESS_ANSWERS);
	__type(key, struct packet_addr);
	__type(value, struct ingress_answer);
} answers SEC(".maps");

/*
 * The packet's slot.  For hash buckets the redirect header says which, if it is of this
 * service; for values of a mask it does not, whatever it contains.
 */
static __always_inline __u32 ingress_slot(const struct ingress_job *job)
{
	const struct packet_redirect *r = &job->redirect;
	__u32 slot = r->bits & WCCP_RH_ALT ? r->alternate : r->primary;

	if (job->service->n_mask_bits || !job->by_gre || job->odd_header ||
	    r->bits & WCCP_RH_UNAVAILABLE)
		slot = ingress_computed_slot(&job->p, job->service);
	return steer_index(slot, INGRESS_SLOTS);
}

/* -- between web-caches --------------------------------------------------------------- */

/* Did another web-cache hand back what we had handed over? */
static __always_inline bool ingress_came_back(const struct ingress_job *job)
{
	return !job->router && job->redirect.bits & INGRESS_RH_BACK;
}

/* Did another web-cache hand it over that knows what to do when it comes back? */
static __always_inline bool ingress_may_go_back(const struct ingress_job *job)
{
	return !job->router && (job->redirect.bits & INGRESS_RH_OURS) &&
	       !(job->redirect.bits & INGRESS_RH_BACK);
}

/* Does it only show that a web-cache still answers?  See dp/gre/gre_question.h. */
static __always_inline bool ingress_is_answer(const struct ingress_job *job)
{
	return ingress_came_back(job) && !job->malformed &&
	       ingress_addr_equal(ingress_src(&job->p), ingress_addr_in(&job->cfg->self)) &&
	       ingress_try_of(job->redirect.bits) == INGRESS_TRY_ANSWER;
}

static __always_inline void ingress_note_answer(const struct ingress_job *job)
{
	struct ingress_answer now = { .at = bpf_ktime_get_ns() };
	struct packet_addr from = ingress_addr_out(job->from);

	bpf_map_update_elem(&answers, &from, &now, BPF_ANY);
}

/* -- whom to ask ---------------------------------------------------------------------- */

static __always_inline void ingress_ask(struct ingress_job *job, __u32 index, __u32 tried)
{
	index = steer_index(index, WCCP_MAX_CACHES);
	job->other = ingress_addr_in(&job->cfg->other_caches[index]);
	job->other_out = job->cfg->other_out[index];
	job->tried = tried;
}

/* The next one when so many have been asked; job->other stays unset if there is none.
 * The former owner of the slot is the first, the n-th of the others number n + 1. */
static __always_inline void ingress_ask_next(struct ingress_job *job, __u32 tried)
{
	const struct ingress_service *s = job->service;
	__u32 former = s->handover[ingress_slot(job)], others, next;

	if (tried == 0 && former) {
		ingress_ask(job, former - 1, 1);
		return;
	}
	others = s->asked & ((1U << INGRESS_ASKED) - 1) & ~(__u32)(1ULL << former >> 1);
	/* Number n + 1 and those after it, when n have been asked. */
	others &= ~0U << (tried - !!tried & 31);
	if (!others)
		return;
	next = ingress_first(others);
	ingress_ask(job, next, next + 2);
}

static __always_inline struct ingress_flow ingress_flow_of(const struct ingress_job *job)
{
	return (struct ingress_flow){
		.src = ingress_keep(ingress_src(&job->p)),
		.dst = ingress_keep(ingress_dst(&job->p)),
		.sport = job->p.sport,
		.dport = job->p.dport,
	};
}

/* Of a packet that came back: the next one is asked with those that follow, too. */
static __always_inline void ingress_go_on(struct ingress_job *job)
{
	struct ingress_flow flow = ingress_flow_of(job);
	struct ingress_search search = { .at = bpf_ktime_get_ns() };

	ingress_ask_next(job, ingress_try_of(job->redirect.bits));
	if (job->other)
		search.other = ingress_keep(job->other);
	search.tried = job->tried;
	bpf_map_update_elem(&searches, &flow, &search, BPF_ANY);
}

/* Of a packet that a router sent: go on where an earlier one of the flow has led. */
static __always_inline void ingress_begin_search(struct ingress_job *job)
{
	struct ingress_flow flow = ingress_flow_of(job);
	const struct ingress_search *search = bpf_map_lookup_elem(&searches, &flow);

	if (search && bpf_ktime_get_ns() - search->at < INGRESS_SEARCH_NS) {
		if (!search->tried)
			return;
		ingress_ask_next(job, search->tried - 1);
		if (job->other && ingress_addr_equal(job->other, ingress_kept(&search->other)))
			return;
		job->other = 0; /* the list has changed */
	}
	ingress_ask_next(job, 0);
}

/* No local socket has the flow.  Either another web-cache has it, or it is older than
 * the redirection.  A packet that another web-cache handed over is not handed on. */
static __always_inline enum ingress_reason ingress_judge_unknown(struct ingress_job *job)
{
	if (ingress_may_go_back(job))
		return INGRESS_HANDED_BACK;
	if (job->router)
		ingress_begin_search(job);
	else if (ingress_came_back(job))
		ingress_go_on(job);
	return job->other ? INGRESS_HANDED_OVER : INGRESS_RETURNED_FLOW;
}

#endif
