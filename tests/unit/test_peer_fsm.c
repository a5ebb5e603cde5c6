/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of a service at a router, as the table in doc/architecture.md has them: the
 * code has the same table, and each of its transitions can be made to happen by what
 * routers say, by time and by the configuration.
 */
#include "cache_bench.h"
#include "core/cache/cache_impl.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { T = 10000, ROWS_MAX = 128 };

struct row {
	char state[16], event[16], next[16];
};

static struct row rows[ROWS_MAX];
static unsigned n_rows;

static void read_table(void)
{
	const char *dir = getenv("srcdir");
	char path[1024], line[512];
	bool inside = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/doc/architecture.md", dir ? dir : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s cannot be opened: is srcdir set?", path);
	n_rows = 0;
	while (fgets(line, sizeof(line), f)) {
		struct row *r = &rows[n_rows];

		if (strcmp(line, "| state | event | next | seen in |\n") == 0)
			inside = true;
		else if (line[0] != '|')
			inside = false;
		else if (inside && n_rows < ROWS_MAX &&
			 sscanf(line, "| %15s | `%15[^`]` | %15s |", r->state, r->event,
				r->next) == 3)
			n_rows++;
	}
	fclose(f);
	ck_assert_uint_gt(n_rows, 40);
	ck_assert_uint_lt(n_rows, ROWS_MAX);
}

static enum peer_state state_called(const char *name)
{
	for (enum peer_state s = 0; s < PEER_STATES; s++)
		if (strcmp(peer_state_event(s), name) == 0)
			return s;
	ck_abort_msg("no state is called %s", name);
	return PEER_IDLE;
}

static enum peer_event event_called(const char *name)
{
	for (enum peer_event e = 0; e < PEER_EVENTS; e++)
		if (strcmp(peer_event_name(e), name) == 0)
			return e;
	ck_abort_msg("no event is called %s", name);
	return PEER_EV_START;
}

/* What the document says; `from` itself where it says nothing. */
static enum peer_state documented(enum peer_state from, enum peer_event event)
{
	for (unsigned i = 0; i < n_rows; i++)
		if (state_called(rows[i].state) == from &&
		    event_called(rows[i].event) == event)
			return state_called(rows[i].next);
	return from;
}

/* -- the table ---------------------------------------------------------------------- */

TEST(code_has_the_table_of_the_document)
{
	unsigned n = 0;

	read_table();
	for (enum peer_state s = 0; s < PEER_STATES; s++)
		for (enum peer_event e = 0; e < PEER_EVENTS; e++) {
			n += peer_fsm_next(s, e) != s;
			ck_assert_msg(peer_fsm_next(s, e) == documented(s, e),
				      "%s in %s leads to %s, the document says %s",
				      peer_event_name(e), peer_state_event(s),
				      peer_state_event(peer_fsm_next(s, e)),
				      peer_state_event(documented(s, e)));
		}
	ck_assert_uint_eq(n, n_rows); /* none twice */
}

/* Every cell: what peer_event() does when the state changes, and when it does not. */
TEST(event_marks_counts_and_notes_a_change_only)
{
	static struct cache c;
	static struct actions out;

	for (enum peer_state from = 0; from < PEER_STATES; from++)
		for (enum peer_event e = 0; e < PEER_EVENTS; e++) {
			struct step s = { .now = { 7 }, .out = &out };
			struct peer p = { .state = from, .reason = "before" };
			bool changes = peer_fsm_next(from, e) != from;

			c.dirty = 0;
			c.counters.state_changes = 0;
			actions_reset(&out);
			ck_assert(peer_event(&c, &p, e, NULL, &s) == changes);
			ck_assert_int_eq(p.state, peer_fsm_next(from, e));
			ck_assert_int_eq(p.since.ns, changes ? 7 : 0);
			ck_assert_int_eq(strcmp(p.reason, "before") != 0, changes);
			ck_assert_uint_eq(c.counters.state_changes, changes);
			ck_assert_uint_eq(c.dirty,
					  changes ? DIRTY_VIEW | DIRTY_STATUS : 0);
			ck_assert_uint_eq(out.n, changes && p.state != PEER_MISMATCH);
		}
}

/* -- the same on the wire -------------------------------------------------------------- */

static struct rtr a;

/* A service that 2.00 cannot describe, so that versions matter. */
static void open_one(void)
{
	struct rtr *rtrs[] = { &a };

	a = rtr_make(0x0a090001);
	a.service = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC,
					   .id = 90,
					   .flags = WCCP_F_ONLY_PROTOCOL_0 };
	a.max_minor = a.minor = 1;
	a.answers = a.obeys = false;
	bench_open(1, rtrs);
	B.conf.version = CACHE_V201;
	bench_conf();
}

static void see_forged(void)
{
	struct rtr forger = a;

	ck_assert_int_eq(codec_password("guess", &forger.password, NULL), 0);
	rtr_see(&forger, 0);
}

/* As the router would say it: in its view or not, with buckets or not. */
static void see(bool listed, unsigned buckets)
{
	a.minor = 1;
	a.capabilities.present = 0;
	if (listed)
		rtr_add(&a, SELF, 100);
	else
		rtr_remove(&a, SELF);
	if (listed)
		rtr_give(&a, SELF, 0, buckets);
	rtr_see(&a, 0);
}

static void see_what_does_not_fit(void)
{
	a.capabilities.present = 1u << WCCP_CAP_FORWARD;
	a.capabilities.forward = WCCP_METHOD_L2;
	a.minor = 1;
	rtr_see(&a, 0);
}

static void set_version(enum cache_version version)
{
	B.conf.version = version;
	bench_conf();
}

static void start(void)
{
	/* One that is announced already is started anew with another version. */
	if (bench_state(&a) == PEER_MISMATCH || bench_state(&a) == PEER_AUTH_FAILED)
		set_version(B.conf.version == CACHE_V201 ? CACHE_NEGOTIATE
							 : CACHE_V201);
	else
		bench_health(true, 100);
}

static void make_unspeakable(void)
{
	enum peer_state was = bench_state(&a);

	if (was == PEER_IDLE || was == PEER_DRAINING || was == PEER_WITHDRAWN) {
		set_version(CACHE_V20);
		bench_health(true, 100);
		return;
	}
	a.minor = 0;
	rtr_see(&a, 0);
}

static void happen(enum peer_event event)
{
	switch (event) {
	case PEER_EV_START:
		start();
		break;
	case PEER_EV_UNSPEAKABLE:
		make_unspeakable();
		break;
	case PEER_EV_BAD_DIGEST:
		see_forged();
		break;
	case PEER_EV_NOTHING_FITS:
		see_what_does_not_fit();
		break;
	case PEER_EV_UNLISTED:
		see(false, 0);
		break;
	case PEER_EV_LISTED:
		see(true, 0);
		break;
	case PEER_EV_HAS_SLOTS:
		see(true, 8);
		break;
	case PEER_EV_SILENT:
		bench_run(4 * T);
		break;
	case PEER_EV_DROP:
	case PEER_EV_LEAVE:
		bench_health(false, 100);
		break;
	case PEER_EV_ACKNOWLEDGED:
		rtr_see(&a, WCCP_CMD_SHUTDOWN_RESPONSE);
		break;
	case PEER_EV_GIVEN_UP:
		bench_run(2 * T);
		break;
	case PEER_EVENTS:
		break;
	}
}

/* Bring the router into that state; `unheard`: where it matters, one that never
 * answered. */
static void reach(enum peer_state state, bool unheard)
{
	static const struct {
		unsigned n;
		enum peer_event events[3];
	} ways[PEER_STATES][2] = {
		[PEER_WAITING] = { { 1, { PEER_EV_START } } },
		[PEER_NEGOTIATING] = { { 2, { PEER_EV_START, PEER_EV_UNLISTED } } },
		[PEER_JOINED] = { { 2, { PEER_EV_START, PEER_EV_LISTED } } },
		[PEER_ASSIGNED] = { { 2, { PEER_EV_START, PEER_EV_HAS_SLOTS } } },
		[PEER_DRAINING] = { { 3,
				      { PEER_EV_START, PEER_EV_LISTED,
					PEER_EV_LEAVE } } },
		[PEER_LOST] = { { 3,
				  { PEER_EV_START, PEER_EV_LISTED, PEER_EV_SILENT } } },
		[PEER_MISMATCH] = { { 2, { PEER_EV_START, PEER_EV_NOTHING_FITS } },
				    { 1, { PEER_EV_UNSPEAKABLE } } },
		[PEER_AUTH_FAILED] = { { 3,
					 { PEER_EV_START, PEER_EV_UNLISTED,
					   PEER_EV_BAD_DIGEST } },
				       { 2, { PEER_EV_START, PEER_EV_BAD_DIGEST } } },
	};

	for (unsigned i = 0; i < ways[state][unheard].n; i++)
		happen(ways[state][unheard].events[i]);
	if (state == PEER_WITHDRAWN) {
		reach(PEER_DRAINING, false);
		happen(PEER_EV_ACKNOWLEDGED);
	}
	ck_assert_int_eq(bench_state(&a), state);
}

TEST(every_transition_on_the_wire)
{
	read_table();
	for (unsigned i = 0; i < n_rows; i++) {
		enum peer_event event = event_called(rows[i].event);
		enum peer_state from = state_called(rows[i].state);
		enum peer_state next = state_called(rows[i].next);

		open_one();
		reach(from,
		      (event == PEER_EV_START || event == PEER_EV_DROP) &&
			      (from == PEER_MISMATCH || from == PEER_AUTH_FAILED));
		bench_clear();
		happen(event);
		ck_assert_msg(bench_state(&a) == next, "%s, %s: %s instead of %s",
			      rows[i].state, rows[i].event,
			      peer_state_event(bench_state(&a)), rows[i].next);
		ck_assert_uint_eq(bench_notes(rows[i].next, &a), 1);
		bench_close();
	}
}
