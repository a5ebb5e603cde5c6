/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane: the daemon's only interface to the kernel's packet path.
 */
#ifndef WCCPD_DP_DP_H
#define WCCPD_DP_DP_H

#include "dp/plan/plan.h"
#include "dp/plan/answers.h"
#include "dp/plan/counters.h"
#include "dp/plan/explanation.h"
#include "dp/plan/traced.h"
#include "dp/proof/proof.h"
#include "dp/proof/proof_round.h"
#include "err.h"

struct dp;

/* Can redirected packets arrive on an interface?  -1: `err` says why not.  One that
 * does not exist may still appear. */
int dp_check_interface(const char *name, struct err *err);

/*
 * Load the programs, for services of a family (ADDR_V4 or ADDR_V6), and attach them to
 * nothing yet.  What an earlier process has left in
 * force stays so until dp_apply().  Its pins are in `pin_directory`: empty means the
 * default for this network namespace, "none" that nothing is to outlive this process.
 * -1 when the kernel cannot (`err` says what is missing), or another process has the pins.
 */
int dp_open(struct dp **out, const char *pin_directory, unsigned family, struct err *err);
/* As given to dp_open(). */
unsigned dp_family(const struct dp *dp);
/* Can listeners at which many connections wait be passed over? */
bool dp_sees_queues(const struct dp *dp);
/* What became of the pins, for the log; and whether state will not outlive this process. */
const char *dp_pins_text(const struct dp *dp, bool *none);

/* How what an earlier process has left relates to this one. */
enum dp_earlier {
	DP_EARLIER_NONE,    /* nothing is in force */
	DP_EARLIER_KNOWN,   /* its plan is in force, see dp_earlier_plan() */
	DP_EARLIER_UNKNOWN, /* something is, of another layout; the first dp_apply()
			     * replaces it as a whole */
};
enum dp_earlier dp_earlier(const struct dp *dp);
/* NULL unless it is known. */
const struct plan *dp_earlier_plan(const struct dp *dp);

/*
 * Make the kernel equal to the plan.  Idempotent: applying the same plan again
 * changes nothing.  On failure what was there before stays in force, and the
 * caller tries again later.  The plan is not kept.
 */
int dp_apply(struct dp *dp, const struct plan *plan, struct err *err);

/*
 * What the newest dp_apply() could not do although it succeeded: an instance whose port
 * is not transparent, an L2 router that does not answer ARP.  Empty when there is
 * nothing; the last one when there are several.  Applying again later may help.
 */
const char *dp_trouble(const struct dp *dp);

/*
 * What the newest dp_apply() restored because some other program had removed or changed
 * it.  Empty if there was nothing.
 */
const char *dp_drift(const struct dp *dp);

/*
 * Why delivered packets do not arrive although the newest dp_apply() succeeded: the
 * kernel's own look-up says that a rule or route of another program takes them.  New
 * connections then go back to their routers, and nothing should be announced.  Empty if
 * there is nothing.
 */
const char *dp_obstacle(const struct dp *dp);

/* Is an address reachable without a gateway, by one of the interfaces on which
 * redirected packets arrive, which is no ipvlan?  Only then can L2 be used with a
 * router. */
bool dp_is_near(struct dp *dp, const struct addr *a);

/*
 * Has the kernel been asked for something that it does not know yet, such as the MAC
 * address of an L2 router?  dp_apply() never waits: apply again when a neighbour has
 * changed (rtnl/rtnl_monitor.h), which takes up to three seconds when nobody answers.
 */
bool dp_is_waiting(const struct dp *dp);

/* Only look at the host: what dp_is_near() needs to know. */
int dp_look(struct dp *dp, const struct plan *plan, struct err *err);

/* Remove everything that dp_apply() made, here or in an earlier process, and free. */
void dp_close(struct dp *dp);
/* Leave it in force for the next process, as far as it can outlive this one, and free. */
void dp_leave(struct dp *dp);

/* The counters of a service, by its position in the newest plan, or DP_NO_SERVICE. */
int dp_get_counters(struct dp *dp, unsigned service, struct dp_counters *out);
/* The name of an entry of by_reason: "returned-pool-down" and so on; NULL: unused. */
const char *dp_reason_name(unsigned reason);

/* Take the strangers seen since the last call; returns how many. */
unsigned dp_take_strangers(struct dp *dp, struct dp_stranger out[DP_MAX_STRANGERS]);

/* Does the plan in force look for redirected packets on that interface? */
bool dp_has_link(const struct dp *dp, unsigned ifindex);

/* Inject an IPv4 packet at an interface of the plan, as if it came from a neighbour. */
enum dp_let_in {
	DP_LET_IN,
	DP_TOO_LONG,   /* it is too long to be injected */
	DP_NOT_LET_IN, /* `err` says why, as for the one above */
};
enum dp_let_in dp_let_in(struct dp *dp, unsigned ifindex, const void *packet, size_t len,
			 struct err *err);

/* Report the packets of one client and port (of either end; 0: any) until
 * dp_trace_end().  Reports up to `room` of them before the first dp_trace_read(). */
void dp_trace_begin(struct dp *dp, const struct addr *client, uint16_t port, unsigned room);
void dp_trace_end(struct dp *dp);
/* Read those since the last call, and allow up to `room` more.  Returns how many there
 * were beyond the limit. */
uint64_t dp_trace_read(struct dp *dp, unsigned room, dp_traced_seen *seen, void *arg);

/* What would happen to a connection; -1: nothing is in force. */
int dp_explain(const struct dp *dp, const struct dp_connection *c,
	       struct dp_explanation *out, struct err *err);

/* New connections of each instance of a pool since dp_open(). */
int dp_get_new_connections(struct dp *dp, const struct plan *plan, unsigned pool,
			   uint64_t out[PLAN_MAX_INSTANCES]);

/*
 * Proofs of delivery: SYNs that are injected as if a router had redirected them, and
 * must arrive at a listener of the daemon's own.  See dp/proof/prover.h for rounds.
 */
bool dp_can_prove(const struct dp *dp, const char **why_not);
void dp_prove_begin(struct dp *dp);
int dp_prove_send(struct dp *dp, const struct plan *plan, struct err *err);
void dp_prove_collect(struct dp *dp,
		      void (*found)(void *arg, const struct proof_target *t,
				    enum proof_outcome outcome),
		      void *arg);
/* Why a proof was lost, as far as the kernel can tell, and what to do, in one line. */
void dp_explain_loss(struct dp *dp, const struct plan *plan, const struct proof_target *t,
		     enum proof_outcome outcome, struct err *out);

/* Why connections of clients do not come about, the last of them from `client` to `server`;
 * `what` is seen of it. */
void dp_explain_silence(struct dp *dp, const struct plan *plan, const struct addr *client,
			const struct addr *server, const char *what, struct err *out);

/* Samples of the new connections of a pool (position in the newest plan): delivered at the
 * interface, and arrived at the look-up of a listener. */
struct dp_samples {
	uint64_t delivered, reached;
};
int dp_get_samples(struct dp *dp, unsigned pool, struct dp_samples *out);

/* Which other web-caches have answered (dp/gre/gre_question.h); returns how many. */
unsigned dp_get_answers(struct dp *dp, struct dp_answer *out, unsigned room);

#endif
