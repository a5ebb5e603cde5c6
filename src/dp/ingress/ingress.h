/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirected packets at the WCCP interface (TC ingress).
 *
 * Works in four steps, see dp.c: stage, commit, and then settle or revert.
 */
#ifndef WCCPD_DP_INGRESS_INGRESS_H
#define WCCPD_DP_INGRESS_INGRESS_H

#include "dp/plan/counters.h"
#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "dp/steer/steer.h"
#include "err.h"

struct ingress;

struct ingress_saved;
struct pins;

/* Load the program of a family, ADDR_V4 or ADDR_V6.  The maps are those of the steering program.  `saved` is what the
 * process before has saved; NULL: nothing. */
int ingress_new(struct ingress **out, unsigned family, const struct steer_maps *maps,
		struct pins *pins, const struct ingress_saved *saved, struct err *err);
/* For the next process. */
void ingress_save(const struct ingress *g, struct ingress_saved *out);

int ingress_stage(struct ingress *g, const struct plan *plan, const struct facts *facts,
		  struct err *err);
int ingress_commit(struct ingress *g, struct err *err);
/* What the newest ingress_commit() found missing or moved of what the previous one had
 * attached; empty: nothing. */
const char *ingress_drift(const struct ingress *g);
/* `trouble` gets another program's filter that comes before ours at an interface; it
 * does not change if there is none. */
void ingress_look_around(const struct ingress *g, struct err *trouble);
void ingress_settle(struct ingress *g);
void ingress_revert(struct ingress *g);
void ingress_clear(struct ingress *g);
void ingress_free(struct ingress *g);

/* The counters of a service, by its position in the newest plan that is in force;
 * DP_NO_SERVICE: those of packets that fit none. */
int ingress_get_counters(const struct ingress *g, unsigned service,
			 struct dp_counters *out);
/* The configuration in force, or NULL. */
struct ingress_config;
const struct ingress_config *ingress_in_force(const struct ingress *g);
/* Does the static bypass in force leave such connections to the router? */
bool ingress_bypasses(const struct ingress *g, const struct addr *client,
		      const struct addr *server);
/* The service, by its position in the newest plan, that has these counters; DP_NO_SERVICE:
 * none. */
unsigned ingress_position_of(const struct ingress *g, uint32_t counters);

/* Reports on one client's packets.  There is one tracer; it is never NULL. */
struct ingress_tracer;
struct ingress_tracer *ingress_tracer_of(struct ingress *g);

/* New connections delivered for a slot, ever. */
uint64_t ingress_new_connections(const struct ingress *g, unsigned slot);

/* Take the unknown senders seen since the last call; returns how many. */
unsigned ingress_take_strangers(const struct ingress *g, struct dp_stranger *out,
				unsigned room);

/* See ingress_answers.h. */
struct dp_answer;
unsigned ingress_get_answers(const struct ingress *g, struct dp_answer *out, unsigned room);

#endif
