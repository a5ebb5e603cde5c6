/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirected packets at the WCCP interface (TC ingress). */
#include "dp/ingress/ingress.h"

#include "bpf/ingress/ingress_maps.h"
#include "dp/ingress/bypass_table.h"
#include "dp/ingress/ingress_answers.h"
#include "dp/ingress/ingress_counters.h"
#include "dp/ingress/ingress_program.h"
#include "dp/ingress/ingress_render.h"
#include "dp/ingress/ingress_saved.h"
#include "dp/ingress/ingress_tracer.h"
#include "dp/ingress/ingress_strangers.h"
#include "kernel/bpf_table.h"
#include "kernel/pins.h"
#include "kernel/tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INGRESS_TC_HANDLE = 0x57434350 /* "WCCP" */ };

struct ingress {
	struct ingress_program program;
	struct pins *pins;
	struct bpf_table table;
	struct bypass_table bypass;
	struct ingress_counters_owners owners, staged_owners;
	unsigned n_staged;
	struct facts_link staged_links[PLAN_MAX_INTERFACES];
	uint32_t staged_priority;
	/* One per interface, in any order; ifindex 0: a free place.  Between commit and settle,
	 * also those of the interfaces of the plan before, and which ones are new. */
	struct tc_filter filters[2 * PLAN_MAX_INTERFACES];
	bool is_new[2 * PLAN_MAX_INTERFACES];
	struct err drift;
	struct ingress_tracer tracer;
	int n_cpus;
	void *per_cpu; /* room for one value of each processor */
};

/* -- loading -------------------------------------------------------------------------- */

/* What the kernel counts in `ms`: the coarse clocks go by its ticks. */
static unsigned ingress_ticks(unsigned ms)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) < 0 || tick.tv_nsec < 1)
		tick.tv_nsec = 1000000; /* the shortest that there is */
	return (unsigned)(ms * 1000000L / tick.tv_nsec);
}

static int ingress_load(struct ingress *g, unsigned family, const struct steer_maps *maps,
			struct err *err)
{
	if (ingress_program_load(&g->program, family, ingress_ticks(INGRESS_AGAIN_MS), maps,
				 g->pins, err) < 0)
		return -1;
	bypass_table_init(&g->bypass, g->program.bypasses);
	g->n_cpus = libbpf_num_possible_cpus();
	if (g->n_cpus < 1)
		return err_set(err, "cannot count the processors");
	g->per_cpu = calloc((size_t)g->n_cpus, sizeof(struct ingress_counters));
	if (!g->per_cpu)
		return err_set(err, "out of memory");
	if (ingress_tracer_init(&g->tracer, g->program.traced, g->program.trace, err) < 0)
		return -1;
	return bpf_table_init(&g->table, g->program.configs,
			      "ingress_config", sizeof(struct ingress_config), 1, g->pins,
			      err);
}

void ingress_save(const struct ingress *g, struct ingress_saved *out)
{
	out->owners = g->owners;
	memcpy(out->filters, g->filters, sizeof(out->filters));
}

int ingress_new(struct ingress **out, unsigned family, const struct steer_maps *maps,
		struct pins *pins, const struct ingress_saved *saved, struct err *err)
{
	struct ingress *g = calloc(1, sizeof(*g));

	if (!g)
		return err_set(err, "out of memory");
	g->pins = pins;
	bypass_table_init(&g->bypass, -1);
	if (ingress_load(g, family, maps, err) < 0) {
		ingress_free(g);
		return -1;
	}
	if (saved) {
		g->owners = saved->owners;
		memcpy(g->filters, saved->filters, sizeof(g->filters));
	}
	*out = g;
	return 0;
}

void ingress_free(struct ingress *g)
{
	if (!g)
		return;
	ingress_tracer_free(&g->tracer);
	bpf_table_free(&g->table);
	bypass_table_free(&g->bypass);
	ingress_program_free(&g->program);
	free(g->per_cpu);
	free(g);
}

/* -- counters ------------------------------------------------------------------------- */

static void ingress_zero_counters(const struct ingress *g, uint32_t index)
{
	memset(g->per_cpu, 0, (size_t)g->n_cpus * sizeof(struct ingress_counters));
	bpf_map_update_elem(g->program.counters, &index, g->per_cpu,
			    BPF_ANY);
}

/* The counters that the service has, or had when it was last planned. */
static uint32_t ingress_find_counters(struct ingress_counters_owners *t,
				      const struct wccp_service *s)
{
	uint32_t i;

	for (i = 0; i < INGRESS_SERVICES; i++)
		if (t->list[i].used && t->list[i].type == s->type &&
		    t->list[i].id == s->id)
			return i;
	return i;
}

/* Counters for a new service: unused ones, or those of a service that is no longer
 * planned.  There are as many as services in a plan, so there are always some. */
static uint32_t ingress_take_counters(const struct ingress *g,
				      struct ingress_counters_owners *t,
				      const bool *kept, const struct wccp_service *s)
{
	uint32_t i, free_one = 0;

	for (i = 0; i < INGRESS_SERVICES; i++)
		if (!kept[i]) {
			free_one = i;
			if (!t->list[i].used)
				break;
		}
	t->list[free_one] = (struct ingress_counters_owner){ .used = true,
							     .type = s->type,
							     .id = s->id };
	ingress_zero_counters(g, free_one);
	return free_one;
}

static void ingress_stage_counters(struct ingress *g, const struct plan *plan)
{
	struct ingress_counters_owners *t = &g->staged_owners;
	bool kept[INGRESS_SERVICES] = { false };

	*t = g->owners;
	t->n_services = plan->n_services;
	for (unsigned i = 0; i < plan->n_services; i++) {
		t->of_service[i] = ingress_find_counters(t, &plan->services[i].service);
		if (t->of_service[i] < INGRESS_SERVICES)
			kept[t->of_service[i]] = true;
	}
	for (unsigned i = 0; i < plan->n_services; i++)
		if (t->of_service[i] == INGRESS_SERVICES) {
			t->of_service[i] = ingress_take_counters(
				g, t, kept, &plan->services[i].service);
			kept[t->of_service[i]] = true;
		}
}

int ingress_get_counters(const struct ingress *g, unsigned service,
			 struct dp_counters *out)
{
	const struct ingress_counters *c = g->per_cpu;

	uint32_t index = INGRESS_SERVICES;

	*out = (struct dp_counters){ 0 };
	if (service < g->owners.n_services)
		index = g->owners.of_service[service];
	else if (service != DP_NO_SERVICE)
		return -1;
	if (bpf_map_lookup_elem(g->program.counters, &index, g->per_cpu) <
	    0)
		return -1;
	for (int i = 0; i < g->n_cpus; i++, c++)
		ingress_counters_add(out, c);
	return 0;
}

uint64_t ingress_new_connections(const struct ingress *g, unsigned slot)
{
	const uint64_t *n = g->per_cpu;
	uint64_t sum = 0;
	uint32_t key = slot;

	if (bpf_map_lookup_elem(g->program.new_connections, &key,
				g->per_cpu) < 0)
		return 0;
	for (int i = 0; i < g->n_cpus; i++)
		sum += n[i];
	return sum;
}

unsigned ingress_take_strangers(const struct ingress *g, struct dp_stranger *out,
				unsigned room)
{
	return ingress_strangers_take(g->program.strangers, out, room);
}

unsigned ingress_get_answers(const struct ingress *g, struct dp_answer *out, unsigned room)
{
	return ingress_answers_read(g->program.answers, out, room);
}

struct ingress_tracer *ingress_tracer_of(struct ingress *g)
{
	return &g->tracer;
}

const struct ingress_config *ingress_in_force(const struct ingress *g)
{
	return g->table.now.fd >= 0 ? g->table.now.octets : NULL;
}

bool ingress_bypasses(const struct ingress *g, const struct addr *client,
		      const struct addr *server)
{
	const bool v6 = client->family == ADDR_V6;

	return bypass_table_has(&g->bypass, v6 ? PLAN_BYPASS_CLIENTS_V6 : PLAN_BYPASS_CLIENTS,
				client) ||
	       bypass_table_has(&g->bypass, v6 ? PLAN_BYPASS_SERVERS_V6 : PLAN_BYPASS_SERVERS,
				server);
}

unsigned ingress_position_of(const struct ingress *g, uint32_t counters)
{
	for (unsigned i = 0; i < g->owners.n_services; i++)
		if (g->owners.of_service[i] == counters)
			return i;
	return DP_NO_SERVICE;
}

/* -- the four steps ----------------------------------------------------------------------- */

int ingress_stage(struct ingress *g, const struct plan *plan, const struct facts *facts,
		  struct err *err)
{
	if (bypass_table_stage(&g->bypass, plan->bypass, err) < 0)
		return -1;
	ingress_stage_counters(g, plan);
	g->n_staged = facts->n_links;
	memcpy(g->staged_links, facts->links, sizeof(g->staged_links));
	g->staged_priority = plan->tc_priority;
	ingress_render(plan, facts, g->staged_owners.of_service,
		       g->table.staged.octets);
	return 0;
}

/* The filter of an interface, or a free place for one. */
static unsigned ingress_filter_place(const struct ingress *g, unsigned ifindex)
{
	unsigned free_one = 0;

	for (unsigned i = 2 * PLAN_MAX_INTERFACES; i-- > 0;) {
		if (g->filters[i].ifindex == ifindex)
			return i;
		if (!g->filters[i].ifindex)
			free_one = i;
	}
	return free_one;
}

static int ingress_attach(struct ingress *g, const struct facts_link *link,
			  struct err *err)
{
	const struct tc_programs programs = {
		.handle = INGRESS_TC_HANDLE,
		.priority = g->staged_priority,
		.ingress = g->program.program,
		.egress = -1,
	};
	unsigned i = ingress_filter_place(g, link->ifindex);
	struct err drift = { "" };
	size_t at = strlen(g->drift.text);

	g->is_new[i] = !g->filters[i].ifindex;
	if (tc_attach(&g->filters[i], link->ifindex, &programs, &drift, err) < 0)
		return err_prefix(err, "%s (see tc-priority)", link->name);
	if (drift.text[0])
		snprintf(g->drift.text + at, sizeof(g->drift.text) - at, "%s%s: %s",
			 at ? "; " : "", link->name, drift.text);
	return 0;
}

/* The tables come first: a program without its configuration lets everything pass. */
int ingress_commit(struct ingress *g, struct err *err)
{
	g->drift.text[0] = '\0';
	if (bypass_table_switch(&g->bypass, err) < 0 ||
	    bpf_table_switch(&g->table, err) < 0)
		return -1;
	for (unsigned i = 0; i < g->n_staged; i++)
		if (ingress_attach(g, &g->staged_links[i], err) < 0)
			return -1;
	return 0;
}

const char *ingress_drift(const struct ingress *g)
{
	return g->drift.text;
}

static bool ingress_is_staged(const struct ingress *g, unsigned ifindex)
{
	for (unsigned i = 0; i < g->n_staged; i++)
		if (g->staged_links[i].ifindex == ifindex)
			return true;
	return false;
}

void ingress_settle(struct ingress *g)
{
	for (unsigned i = 0; i < 2 * PLAN_MAX_INTERFACES; i++)
		if (!ingress_is_staged(g, g->filters[i].ifindex))
			tc_detach(&g->filters[i]);
	memset(g->is_new, 0, sizeof(g->is_new));
	g->owners = g->staged_owners;
	bpf_table_settle(&g->table);
	bypass_table_settle(&g->bypass);
}

void ingress_revert(struct ingress *g)
{
	for (unsigned i = 0; i < 2 * PLAN_MAX_INTERFACES; i++)
		if (g->is_new[i])
			tc_detach(&g->filters[i]);
	memset(g->is_new, 0, sizeof(g->is_new));
	bpf_table_revert(&g->table);
	bypass_table_revert(&g->bypass);
}

void ingress_clear(struct ingress *g)
{
	for (unsigned i = 0; i < 2 * PLAN_MAX_INTERFACES; i++)
		tc_detach(&g->filters[i]);
	bpf_table_clear(&g->table);
	bypass_table_clear(&g->bypass);
}

void ingress_look_around(const struct ingress *g, struct err *trouble)
{
	char text[128];

	for (unsigned i = 0; i < g->n_staged; i++) {
		const struct tc_filter *f =
			&g->filters[ingress_filter_place(g, g->staged_links[i].ifindex)];

		if (tc_front(f, text, sizeof(text)))
			err_set(trouble,
				"%s: another program's TC filter comes before ours (%u), "
				"and hides the packets it decides on: %s",
				g->staged_links[i].name, f->priority, text);
	}
}
