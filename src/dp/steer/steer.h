/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steering: which local listener takes a new connection (sk_lookup).
 *
 * Works in four steps, see dp.c: stage, commit, and then settle or revert.
 */
#ifndef WCCPD_DP_STEER_STEER_H
#define WCCPD_DP_STEER_STEER_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

struct steer;

/* Maps that other programs share with the steering program, as its descriptors. */
struct steer_maps {
	int own_prefixes, own_prefixes6, probes, samples, proofs, sinks, listener_slots;
};

struct pins;
struct steer_saved;

/* Load the program; -1 with a text that says what the kernel lacks.  `saved` is what the
 * process before has saved; NULL: nothing. */
int steer_new(struct steer **out, struct pins *pins, const struct steer_saved *saved,
	      struct err *err);
/* For the next process. */
void steer_save(const struct steer *s, struct steer_saved *out);

/* Fetch new listeners and render the table; nothing is in force yet.  `trouble` gets
 * what is wrong with single listeners. */
int steer_stage(struct steer *s, const struct plan *plan, const struct facts *facts,
		struct err *trouble, struct err *err);
int steer_commit(struct steer *s, struct err *err);
void steer_settle(struct steer *s);
void steer_revert(struct steer *s);
void steer_clear(struct steer *s);
/* Without steer_clear(), everything stays in force as far as it is pinned. */
void steer_free(struct steer *s);

/* Is a program attached here: ours, or that of the process before? */
bool steer_is_attached(const struct steer *s);

/* Maps that the ingress program uses as well; the descriptors stay ours. */
struct steer_maps steer_maps(const struct steer *s);

/* The table in force, or NULL; and what connections are hashed with. */
struct steer_table;
const struct steer_table *steer_in_force(const struct steer *s);
uint64_t steer_seed(const struct steer *s);
/* Does the program see how many connections wait at a listener? */
bool steer_sees_queues(const struct steer *s);
/* Is there a listener in slot `i` (< STEER_SLOTS) now? */
bool steer_listens(const struct steer *s, unsigned slot);
/* What is at an address, enum ingress_place. */
unsigned steer_place(const struct steer *s, const struct addr *a);

/* The instance that slot `i` (< STEER_SLOTS) belongs to, or NULL. */
struct steer_owner {
	char pool[32], instance[32];
};
const struct steer_owner *steer_owner(const struct steer *s, unsigned slot);

/* Connections to ports that pools listen on, given to slot `i` (< STEER_SLOTS) ever. */
uint64_t steer_listen_opened(const struct steer *s, unsigned slot);

/* Of the samples of a pool: how many were delivered, how many reached the look-up. */
int steer_get_samples(const struct steer *s, unsigned pool, uint64_t *delivered,
		      uint64_t *reached);

#endif
