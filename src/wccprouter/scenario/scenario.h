/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios: files of steps, one a line, that wait, give the router commands and say
 * what is expected of the web-caches.  wccprouter-scenario(5) describes the language.
 *
 * Nothing here depends on the clock or the router: the file becomes data, and functions
 * say whether an expectation holds.  scenario_run.h carries out the steps.
 */
#ifndef WCCPD_WCCPROUTER_SCENARIO_SCENARIO_H
#define WCCPD_WCCPROUTER_SCENARIO_SCENARIO_H

#include "addr.h"
#include "err.h"
#include "router.h"
#include "wccprouter/net/trace.h"

#include <stdio.h>

enum scenario_kind {
	SCENARIO_WAIT,	  /* for so long */
	SCENARIO_AT,	  /* until so long after the start */
	SCENARIO_EXPECT,  /* the next steps follow all the same ... */
	SCENARIO_REQUIRE, /* ... or the scenario ends when it is not met */
	SCENARIO_COMMAND, /* of the control socket */
};

enum scenario_what {
	SCENARIO_CLIENT,   /* `peer` is a member; or is heard, with `heard` */
	SCENARIO_CLIENTS,  /* `n` web-caches are members of the service */
	SCENARIO_BUCKETS,  /* `peer` has `n` buckets of the service */
	SCENARIO_VALUES,   /* the same of masks */
	SCENARIO_ASSIGNED, /* the service has an assignment */
	SCENARIO_MESSAGE,  /* one of `type` comes from, or goes to, `peer` */
};

struct scenario_expect {
	enum scenario_what what;
	bool negated; /* "no": the opposite */
	bool heard;
	bool lasts; /* "for": it is true all of the time; else "within" */
	int64_t ms;
	char service[16]; /* empty: in any of them */
	struct addr peer;
	unsigned n;
	enum trace_way way;
	uint32_t type; /* enum wccp_type */
};

struct scenario_step {
	enum scenario_kind kind;
	unsigned line;
	char *text; /* as in the file, with single blanks */
	int64_t ms; /* WAIT, AT */
	struct scenario_expect expect;
};

struct scenario {
	char *path;
	unsigned n_steps;
	struct scenario_step *steps;
};

/* Read and check a file.  A word that is not part of the language must be a command,
 * which `is_command` decides.  NULL with file:line: message. */
struct scenario *scenario_load(const char *path, bool (*is_command)(const char *name),
			       struct err *err);
void scenario_free(struct scenario *s); /* NULL is fine */

/* The present state of a service. */
struct scenario_service {
	const char *name;
	const struct router_status *status;
};

/* Check that all services in the file are among these; -1 with file:line: message. */
int scenario_check(const struct scenario *s, const struct scenario_service *list,
		   unsigned n, struct err *err);

/* Is it true at this moment?  Never of an expected message, for which see below. */
bool scenario_holds(const struct scenario_expect *x,
		    const struct scenario_service *list, unsigned n);
/* Is it this message that is, or is not, expected? */
bool scenario_matches(const struct scenario_expect *x, const struct trace_message *m);
/* The actual state, in words. */
void scenario_explain(const struct scenario_expect *x,
		      const struct scenario_service *list, unsigned n, char *out,
		      size_t size);

#endif
