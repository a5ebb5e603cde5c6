/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/senders/gre_slow_path.h"

#include "clock.h"
#include "common/kept_sockets.h"
#include "dp/gre/gre_raw.h"
#include "log.h"
#include "wccpd/senders/strangers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRE_SLOW_PATH_BURST = 64,    /* packets per wake-up ... */
	GRE_SLOW_PATH_PAUSE_MS = 10, /* ... and when more wait: this is a slow path, and
				      * anybody can send GRE */
};

struct gre_slow_path {
	struct strangers *strangers;
	int fd;
	struct event *readable, *pause;
	struct gre_slow_path_counters counters;
};

static void gre_slow_path_let_in(struct gre_slow_path *g,
				 const struct gre_raw_packet *p, struct mono now)
{
	struct err err;
	enum dp_let_in rc =
		dp_let_in(g->strangers->dp, p->ifindex, p->octets, p->len, &err);

	if (rc == DP_LET_IN) {
		g->counters.reassembled++;
		return;
	}
	if (rc == DP_TOO_LONG)
		g->counters.too_long++;
	else
		g->counters.not_let_in++;
	log_complain(
		"gre-fragments", &p->from, NULL, now,
		"a redirected packet of %zu octets, which came in fragments, is lost: "
		"%s",
		p->len, err.text);
}

/*
 * Only reassembled packets are injected again.  As they are then whole, they cannot
 * come here a second time.
 */
static void gre_slow_path_take(struct gre_slow_path *g, const struct gre_raw_packet *p,
			       struct mono now)
{
	if (p->was_fragmented) {
		gre_slow_path_let_in(g, p, now);
		return;
	}
	/* Of one that we have not heard of yet; it asks again. */
	if (p->is_question)
		return;
	g->counters.strangers++;
	strangers_take_gre(g->strangers, p, now);
}

static void gre_slow_path_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct gre_slow_path *g = arg;
	struct mono now = clock_now();
	struct timeval pause = clock_ms(GRE_SLOW_PATH_PAUSE_MS);
	struct gre_raw_packet p;

	(void)fd, (void)what;
	for (int i = 0; i < GRE_SLOW_PATH_BURST; i++) {
		if (!gre_raw_read(g->fd, &p)) {
			event_add(g->readable, NULL);
			return;
		}
		gre_slow_path_take(g, &p, now);
	}
	evtimer_add(g->pause, &pause);
}

static int gre_slow_path_add_events(struct gre_slow_path *g, struct event_base *base)
{
	g->readable = event_new(base, g->fd, EV_READ, gre_slow_path_on_readable, g);
	g->pause = evtimer_new(base, gre_slow_path_on_readable, g);
	return g->readable && g->pause ? event_add(g->readable, NULL) : -1;
}

int gre_slow_path_open(struct gre_slow_path **out, struct event_base *base,
		       const struct addr *self, struct strangers *strangers,
		       struct err *err)
{
	struct gre_slow_path *g = calloc(1, sizeof(*g));

	if (!g)
		return err_set(err, "out of memory");
	g->strangers = strangers;
	g->fd = kept_socket(KEPT_GRE);
	if (g->fd < 0)
		err_set(err, "raw socket for GRE: %s%s", strerror(errno),
			errno == EPERM ? " (needs CAP_NET_RAW)" : "");
	else if (gre_raw_set_up(g->fd, self, err) == 0) {
		if (gre_slow_path_add_events(g, base) == 0) {
			*out = g;
			return 0;
		}
		err_set(err, "cannot set up the event loop");
	}
	gre_slow_path_close(g);
	return -1;
}

void gre_slow_path_close(struct gre_slow_path *g)
{
	if (!g)
		return;
	if (g->readable)
		event_free(g->readable);
	if (g->pause)
		event_free(g->pause);
	free(g);
}

struct gre_slow_path_counters gre_slow_path_counters(const struct gre_slow_path *g)
{
	return g ? g->counters : (struct gre_slow_path_counters){ 0 };
}
