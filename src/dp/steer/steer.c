/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steering: which local listener takes a new connection (sk_lookup). */
#include "dp/steer/steer.h"

#include "bpf/steer.skel.h"
#include "dp/steer/steer_render.h"
#include "dp/steer/steer_saved.h"
#include "dp/steer/steer_slots.h"
#include "kernel/bpf_table.h"
#include "kernel/features.h"
#include "kernel/pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEER_LINK "steer_link" /* its pin */

struct steer {
	struct steer_bpf *bpf;
	struct pins *pins;
	struct bpf_link *link; /* to this network namespace; NULL: not attached */
	bool newly_attached;   /* by a commit that is not settled yet */
	struct bpf_table table;
	struct steer_slots slots;
	unsigned n_own_prefixes, n_staged_prefixes;
	struct facts_prefix own_prefixes[FACTS_MAX_PREFIXES],
		staged_prefixes[FACTS_MAX_PREFIXES];
};

/* -- loading ---------------------------------------------------------------------- */

/* -1, or -errno of the kernel's refusal in `refused`. */
static int steer_try(struct steer *s, const struct kernel_layout *kernel, int *refused,
		     struct err *err)
{
	*refused = 0;
	s->bpf = steer_bpf__open();
	if (!s->bpf)
		return err_set(err, "steering program: %s", strerror(errno));
	if (pins_reuse(s->pins, s->bpf->obj, err) < 0)
		return -1;
	s->bpf->rodata->seed = pins_seed(s->pins);
	s->bpf->rodata->tells_ifindex = kernel->tells_ifindex;
	s->bpf->rodata->queue_offset = kernel->accept_queue;
	*refused = steer_bpf__load(s->bpf);
	if (*refused < 0)
		return err_set(err, "steering program (sk_lookup) refused: %s",
			       strerror(-*refused));
	return 0;
}

static int steer_load(struct steer *s, struct err *err)
{
	struct kernel_layout kernel = kernel_layout();
	int refused;

	if (steer_try(s, &kernel, &refused, err) < 0) {
		/* Reading of kernel memory needs CAP_PERFMON, and may be locked down. */
		if (!refused || !kernel.accept_queue)
			return -1;
		kernel.accept_queue = 0;
		steer_bpf__destroy(s->bpf);
		if (steer_try(s, &kernel, &refused, err) < 0)
			return -1;
	}
	pins_keep(s->pins, s->bpf->obj);
	s->slots.map = bpf_map__fd(s->bpf->maps.listeners);
	s->slots.slots_of_listeners = bpf_map__fd(s->bpf->maps.listener_slots);
	return bpf_table_init(&s->table, bpf_map__fd(s->bpf->maps.tables),
			      "steer_table", sizeof(struct steer_table), 1, s->pins, err);
}

static void steer_adopt(struct steer *s, const struct steer_saved *saved)
{
	steer_slots_adopt(&s->slots, saved->slots);
	s->n_own_prefixes = saved->n_own_prefixes;
	memcpy(s->own_prefixes, saved->own_prefixes, sizeof(s->own_prefixes));
}

void steer_save(const struct steer *s, struct steer_saved *out)
{
	memcpy(out->slots, s->slots.list, sizeof(out->slots));
	out->n_own_prefixes = s->n_own_prefixes;
	memcpy(out->own_prefixes, s->own_prefixes, sizeof(out->own_prefixes));
}

int steer_new(struct steer **out, struct pins *pins, const struct steer_saved *saved,
	      struct err *err)
{
	struct steer *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, "out of memory");
	s->pins = pins;
	if (steer_load(s, err) < 0) {
		steer_free(s);
		return -1;
	}
	if (saved)
		steer_adopt(s, saved);
	*out = s;
	return 0;
}

void steer_free(struct steer *s)
{
	if (!s)
		return;
	bpf_link__destroy(s->link); /* its pin keeps it */
	bpf_table_free(&s->table);
	steer_bpf__destroy(s->bpf);
	free(s);
}

struct steer_maps steer_maps(const struct steer *s)
{
	return (struct steer_maps){
		.own_prefixes = bpf_map__fd(s->bpf->maps.own_prefixes),
		.own_prefixes6 = bpf_map__fd(s->bpf->maps.own_prefixes6),
		.probes = bpf_map__fd(s->bpf->maps.probes),
		.samples = bpf_map__fd(s->bpf->maps.samples),
		.proofs = bpf_map__fd(s->bpf->maps.proofs),
		.listener_slots = bpf_map__fd(s->bpf->maps.listener_slots),
		.sinks = bpf_map__fd(s->bpf->maps.sinks),
	};
}

const struct steer_owner *steer_owner(const struct steer *s, unsigned slot)
{
	return s->slots.list[slot].inode ? &s->slots.list[slot].owner : NULL;
}

const struct steer_table *steer_in_force(const struct steer *s)
{
	return s->table.now.fd >= 0 ? s->table.now.octets : NULL;
}

bool steer_sees_queues(const struct steer *s)
{
	return s->bpf->rodata->queue_offset > 0;
}

uint64_t steer_seed(const struct steer *s)
{
	return s->bpf->rodata->seed;
}

bool steer_listens(const struct steer *s, unsigned slot)
{
	uint32_t key = slot;
	uint64_t cookie;

	return bpf_map_lookup_elem(s->slots.map, &key, &cookie) == 0;
}

/* -- own addresses ------------------------------------------------------------------- */

/* Of either trie. */
struct steer_trie_key {
	uint32_t bits;
	uint8_t octets[sizeof(struct in6_addr)];
};

static struct steer_trie_key steer_trie_key(const struct facts_prefix *l)
{
	struct steer_trie_key key = { .bits = l->bits };

	memcpy(key.octets, l->addr.octets, sizeof(key.octets));
	return key;
}

static int steer_trie(const struct steer *s, const struct addr *a)
{
	return bpf_map__fd(a->family == ADDR_V6 ? s->bpf->maps.own_prefixes6
						: s->bpf->maps.own_prefixes);
}

unsigned steer_place(const struct steer *s, const struct addr *a)
{
	const struct facts_prefix one = { .addr = *a, .bits = 8 * (unsigned)addr_len(a) };
	const struct steer_trie_key key = steer_trie_key(&one);
	uint8_t place;

	if (bpf_map_lookup_elem(steer_trie(s, a), &key, &place) < 0)
		return 0; /* INGRESS_OUTSIDE */
	return place;
}

static bool steer_has_prefix(const struct facts_prefix *list, unsigned n,
			     const struct facts_prefix *l)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i].bits == l->bits && addr_equal(&list[i].addr, &l->addr))
			return true;
	return false;
}

/* Not undone by a revert: the host has these prefixes, whatever the plan. */
static int steer_renew_own_prefixes(struct steer *s, struct err *err)
{
	for (unsigned i = 0; i < s->n_staged_prefixes; i++) {
		const struct facts_prefix *l = &s->staged_prefixes[i];
		const struct steer_trie_key key = steer_trie_key(l);

		if (bpf_map_update_elem(steer_trie(s, &l->addr), &key, &l->place, BPF_ANY) < 0)
			return err_set(err, "local addresses: %s", strerror(errno));
	}
	for (unsigned i = 0; i < s->n_own_prefixes; i++) {
		const struct facts_prefix *l = &s->own_prefixes[i];
		const struct steer_trie_key key = steer_trie_key(l);

		if (!steer_has_prefix(s->staged_prefixes, s->n_staged_prefixes, l))
			bpf_map_delete_elem(steer_trie(s, &l->addr), &key);
	}
	s->n_own_prefixes = s->n_staged_prefixes;
	memcpy(s->own_prefixes, s->staged_prefixes,
	       s->n_own_prefixes * sizeof(s->own_prefixes[0]));
	return 0;
}

/* -- the four steps ---------------------------------------------------------------- */

/* What listeners may announce, so that full segments fit when they come wrapped. */
static void steer_limit_mss(const struct plan *plan, const struct facts *facts,
			    int *mss)
{
	for (unsigned i = 0; i < plan->n_pools; i++)
		mss[i] = steer_pool_by_gre(plan, i) ? (int)facts_mss_wrapped(facts, plan->self.family) : 0;
}

int steer_stage(struct steer *s, const struct plan *plan, const struct facts *facts,
		struct err *trouble, struct err *err)
{
	struct steer_places places;
	int mss[PLAN_MAX_POOLS];

	steer_limit_mss(plan, facts, mss);
	if (steer_slots_fill(&s->slots, plan, mss, &places, trouble, err) < 0) {
		steer_slots_revert(&s->slots);
		return -1;
	}
	steer_render(plan, facts, &places, s->table.staged.octets);
	s->n_staged_prefixes = facts->n_own_prefixes;
	memcpy(s->staged_prefixes, facts->own_prefixes,
	       facts->n_own_prefixes * sizeof(facts->own_prefixes[0]));
	return 0;
}

/* The link of the process before goes on with our program: there is no moment without
 * one. */
static bool steer_take_over(struct steer *s)
{
	s->link = pins_link(s->pins, STEER_LINK);
	if (s->link && bpf_link__update_program(s->link, s->bpf->progs.steer) < 0) {
		bpf_link__destroy(s->link);
		s->link = NULL;
	}
	if (s->link)
		pins_keep_link(s->pins, STEER_LINK, s->link);
	return s->link;
}

bool steer_is_attached(const struct steer *s)
{
	struct bpf_link *before = s->link ? NULL : pins_link(s->pins, STEER_LINK);
	bool found = s->link || before;

	bpf_link__destroy(before);
	return found;
}

static int steer_attach(struct steer *s, struct err *err)
{
	int here;

	if (s->link || steer_take_over(s))
		return 0;
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (here < 0)
		return err_set(err, "/proc/self/ns/net: %s", strerror(errno));
	s->link = bpf_program__attach_netns(s->bpf->progs.steer, here);
	if (!s->link)
		err_set(err, "cannot attach the steering program: %s", strerror(errno));
	close(here);
	s->newly_attached = s->link != NULL;
	if (s->link)
		pins_keep_link(s->pins, STEER_LINK, s->link);
	return s->link ? 0 : -1;
}

static void steer_detach(struct steer *s)
{
	pins_drop_link(s->pins, STEER_LINK);
	bpf_link__destroy(s->link);
	s->link = NULL;
	s->newly_attached = false;
}

int steer_commit(struct steer *s, struct err *err)
{
	if (steer_renew_own_prefixes(s, err) < 0 ||
	    bpf_table_switch(&s->table, err) < 0)
		return -1;
	return steer_attach(s, err);
}

void steer_settle(struct steer *s)
{
	s->newly_attached = false;
	bpf_table_settle(&s->table);
	steer_slots_settle(&s->slots);
}

void steer_revert(struct steer *s)
{
	if (s->newly_attached)
		steer_detach(s);
	bpf_table_revert(&s->table);
	steer_slots_revert(&s->slots);
}

void steer_clear(struct steer *s)
{
	steer_detach(s);
	bpf_table_clear(&s->table);
	steer_slots_clear(&s->slots);
}

/* -- what is counted ----------------------------------------------------------------- */

uint64_t steer_listen_opened(const struct steer *s, unsigned slot)
{
	int n = libbpf_num_possible_cpus();
	uint64_t *each = n > 0 ? calloc((size_t)n, sizeof(*each)) : NULL, sum = 0;
	uint32_t key = slot;

	if (each && bpf_map_lookup_elem(bpf_map__fd(s->bpf->maps.listen_opened), &key,
					each) == 0)
		for (int i = 0; i < n; i++)
			sum += each[i];
	free(each);
	return sum;
}


int steer_get_samples(const struct steer *s, unsigned pool, uint64_t *delivered,
		      uint64_t *reached)
{
	int n = libbpf_num_possible_cpus();
	struct steer_samples *each = n > 0 ? calloc((size_t)n, sizeof(*each)) : NULL;
	uint32_t key = pool;
	int rc = -1;

	*delivered = *reached = 0;
	if (each)
		rc = bpf_map_lookup_elem(bpf_map__fd(s->bpf->maps.samples), &key, each);
	for (int i = 0; rc == 0 && i < n; i++) {
		*delivered += each[i].delivered;
		*reached += each[i].reached;
	}
	free(each);
	return rc;
}
