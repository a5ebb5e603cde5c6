/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/restart.h"

#include "clock.h"
#include "common/kept_sockets.h"
#include "common/reexec.h"
#include "control.h"
#include "log.h"
#include "wccpd/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* " TYPE.ID" of each service that an operator drains. */
#define RESTART_DRAINED "WCCPD_DRAINED"
/* A line "WANTED POOL/INSTANCE" for each instance that is not to serve. */
#define RESTART_WANTED "WCCPD_WANTED"

enum {
	RESTART_ANSWER_MS = 20, /* for the answer to the request */
	RESTART_ID_MAX = sizeof(" 255.255"),
};

/* -- what operators asked ---------------------------------------------------------------- */

static void restart_name(const struct service *s, char out[RESTART_ID_MAX])
{
	snprintf(out, RESTART_ID_MAX, " %u.%u", s->id.type, s->id.id);
}

static void restart_print_wanted(const struct daemon *d, FILE *to)
{
	for (unsigned p = 0; p < pools_count(d->pools); p++) {
		const struct pool *pool = pools_get(d->pools, p);

		for (unsigned i = 0; i < pool->n_instances; i++)
			if (pool->instances[i]->wanted != INSTANCE_SERVING)
				fprintf(to, "%u %s/%s\n", pool->instances[i]->wanted,
					pool->conf->name, pool->instances[i]->conf->name);
	}
}

static void restart_hand_on_wanted(const struct daemon *d)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	restart_print_wanted(d, f);
	if (fclose(f) == 0)
		setenv(RESTART_WANTED, text, 1);
	free(text);
}

static void restart_take_over_wanted(struct daemon *d)
{
	const char *line = getenv(RESTART_WANTED);
	unsigned wanted;
	char name[80];
	struct err err;

	while (line && *line) {
		/* The configuration may not have it any more. */
		if (sscanf(line, "%u %79[^\n]", &wanted, name) == 2 &&
		    wanted <= INSTANCE_IN_MAINTENANCE)
			pools_want(d->pools, name, (enum instance_wanted)wanted, &err);
		line = strchr(line, '\n');
		line += line != NULL;
	}
	unsetenv(RESTART_WANTED);
}

static void restart_hand_on(const struct daemon *d)
{
	char list[DAEMON_MAX_SERVICES * RESTART_ID_MAX] = "", name[RESTART_ID_MAX];

	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].drain_asked) {
			restart_name(&d->services[i], name);
			strcat(list, name);
		}
	setenv(RESTART_DRAINED, list, 1);
	restart_hand_on_wanted(d);
	if (d->udp >= 0)
		kept_socket_lend(d->conf->address.family == ADDR_V6 ? KEPT_UDP6 : KEPT_UDP4, d->udp);
	control_hand_on(d->control);
}

static bool restart_has(const char *list, const char *name)
{
	const char *at = strstr(list, name);

	while (at && at[strlen(name)] != ' ' && at[strlen(name)] != '\0')
		at = strstr(at + 1, name);
	return at;
}

void restart_take_over(struct daemon *d)
{
	const char *list = getenv(RESTART_DRAINED);
	char name[RESTART_ID_MAX];

	for (unsigned i = 0; list && i < d->n_services; i++) {
		restart_name(&d->services[i], name);
		d->services[i].drain_asked = restart_has(list, name);
	}
	unsetenv(RESTART_DRAINED);
	restart_take_over_wanted(d);
}

/* -- doing it ---------------------------------------------------------------------------- */

static void restart_now(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct err err;

	(void)fd, (void)what;
	if (d->stopping)
		return;
	log_info("restarting", "in place");
	log_catch_up(clock_now());
	restart_hand_on(d);
	reexec_now(&err);
	log_error("restart", "%s; this process goes on", err.text);
}

int restart_ask(struct daemon *d, struct err *err)
{
	struct timeval soon = clock_ms(RESTART_ANSWER_MS);

	if (d->stopping)
		return err_set(err, "the daemon is stopping");
	if (reexec_check(d->conf_path, err) < 0)
		return -1;
	evtimer_add(d->restart, &soon);
	return 0;
}

void restart_on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct err err;

	(void)sig, (void)what;
	if (restart_ask(arg, &err) < 0)
		log_error("restart", "%s; this process goes on", err.text);
}

int restart_open(struct daemon *d, struct err *err)
{
	d->restart = evtimer_new(d->base, restart_now, d);
	return d->restart ? 0 : err_set(err, "cannot set up the event loop");
}

void restart_close(struct daemon *d)
{
	if (d->restart)
		event_free(d->restart);
}
