/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a scenario on a running router. */
#ifndef WCCPD_WCCPROUTER_SCENARIO_SCENARIO_RUN_H
#define WCCPD_WCCPROUTER_SCENARIO_SCENARIO_RUN_H

#include "wccprouter/scenario/scenario.h"

struct event_base;
struct routerd_commands;
struct scenario_run;

/* Begin with the first step when `base` runs.  `s` must outlive it; each step becomes a
 * line in `out`.  At the end `base` leaves its loop.  NULL with the reason. */
struct scenario_run *scenario_run_new(struct event_base *base,
				      struct routerd_commands *commands,
				      const struct scenario *s, FILE *out,
				      struct err *err);
/* Was every step carried out, and every expectation met?  Says so in a last line. */
bool scenario_run_end(struct scenario_run *r);
void scenario_run_free(struct scenario_run *r); /* NULL is fine */

/* To be called by its owner when a message passes, or the state of a service may have
 * changed; `r` may be NULL. */
void scenario_run_see(struct scenario_run *r, const struct trace_message *m);
void scenario_run_look(struct scenario_run *r);

#endif
