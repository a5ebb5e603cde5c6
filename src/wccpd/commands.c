/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control commands: one function and one table entry for each. */
#include "wccpd/commands.h"

#include "wccpd/daemon.h"
#include "wccpd/leave.h"
#include "wccpd/reload.h"
#include "wccpd/restart.h"
#include "wccpd/status_json.h"
#include "wccpd/tell/explain_json.h"
#include "wccpd/tell/packet_trace.h"
#include "wccpd/tell/problems.h"

#include <string.h>

static json_t *commands_show(void *d, unsigned n, char *const *words)
{
	(void)n, (void)words;
	return status_json(d);
}

static json_t *commands_reload(void *d, unsigned n, char *const *words)
{
	struct err err;

	(void)n, (void)words;
	if (reload_configuration(d, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *commands_leave(struct daemon *d, unsigned n, char *const *words, bool drain)
{
	struct err err;

	if (leave_ask(d, n ? words[0] : NULL, drain, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	return json_pack("{s:b}", "ok", 1);
}

/* POOL/INSTANCE, rather than a service? */
static bool commands_names_instance(unsigned n, char *const *words)
{
	return n > 0 && strchr(words[0], '/');
}

static json_t *commands_want(struct daemon *d, const char *instance,
			     enum instance_wanted wanted)
{
	struct err err;

	if (d->stopping)
		return json_pack("{s:s}", "error", "the daemon is stopping");
	if (pools_want(d->pools, instance, wanted, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *commands_drain(void *d, unsigned n, char *const *words)
{
	if (commands_names_instance(n, words))
		return commands_want(d, words[0], INSTANCE_DRAINED);
	return commands_leave(d, n, words, true);
}

static json_t *commands_maintenance(void *d, unsigned n, char *const *words)
{
	if (n == 0)
		return json_pack("{s:s}", "error", "of which POOL/INSTANCE?");
	return commands_want(d, words[0], INSTANCE_IN_MAINTENANCE);
}

static json_t *commands_enable(void *d, unsigned n, char *const *words)
{
	if (commands_names_instance(n, words))
		return commands_want(d, words[0], INSTANCE_SERVING);
	return commands_leave(d, n, words, false);
}

/* The daemon's service with this type and number. */
static const struct service *commands_service(const struct daemon *d,
					      const struct wccp_service *id)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf && wccp_same_group(&d->services[i].id, id))
			return &d->services[i];
	return NULL;
}

static void commands_explain_service(struct daemon *d, const struct dp_explanation *e,
				     json_t *answer)
{
	unsigned position = e->n_fitting ? e->fitting[0] : DP_NO_SERVICE;
	const struct service *s =
		position < d->plan.n_services
			? commands_service(d, &d->plan.services[position].service)
			: NULL;
	const char *delivery;

	if (!s)
		return;
	cache_get_status(s->cache, &d->status);
	explain_json_add_slot(answer, e, s->cache, &d->status);
	delivery = problems_delivery_text(delivery_watch_of(d->delivery, &s->id));
	if (delivery)
		json_object_set_new(answer, "delivery", json_string(delivery));
}

static json_t *commands_explain(void *arg, unsigned n, char *const *words)
{
	struct daemon *d = arg;
	struct dp_explanation e;
	struct dp_connection c;
	struct err err;
	json_t *answer;

	if (explain_json_parse(n, words, &c, &err) < 0 ||
	    dp_explain(d->dp, &c, &e, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	answer = explain_json(&d->plan, &c, &e);
	commands_explain_service(d, &e, answer);
	return answer;
}

static json_t *commands_trace(void *arg, unsigned n, char *const *words)
{
	struct daemon *d = arg;

	return packet_trace_follow(d->trace, d->control, n, words);
}

static json_t *commands_restart(void *arg, unsigned n, char *const *words)
{
	struct err err;

	(void)n, (void)words;
	if (restart_ask(arg, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *commands_stop(void *arg, unsigned n, char *const *words)
{
	struct daemon *d = arg;

	if (n && strcmp(words[0], "keep") != 0)
		return json_pack("{s:s}", "error", "the only word is keep");
	if (n)
		leave_at_once(d);
	else
		leave_stop(d);
	return json_pack("{s:b}", "ok", 1);
}

static const struct control_command commands[] = {
	{ .name = "drain",
	  .arguments = "[SERVICE | POOL/INSTANCE]",
	  .usage = "give no new connections to it; a service is then withdrawn",
	  .run = commands_drain,
	  .max_words = 1 },
	{ .name = "enable",
	  .arguments = "[SERVICE | POOL/INSTANCE]",
	  .usage = "take a share of the traffic again",
	  .run = commands_enable,
	  .max_words = 1 },
	{ .name = "explain",
	  .arguments = "SRC DST [DPORT [SPORT]]",
	  .usage = "what would happen to a TCP connection, and why",
	  .run = commands_explain,
	  .max_words = 4 },
	{ .name = "maintenance",
	  .arguments = "POOL/INSTANCE",
	  .usage = "as drain, and what happens to it is no problem",
	  .run = commands_maintenance,
	  .max_words = 1 },
	{ .name = "reload",
	  .usage = "read the configuration again",
	  .run = commands_reload },
	{ .name = "restart",
	  .usage = "execute the present program in place; routers are not told",
	  .run = commands_restart },
	{ .name = "show", .usage = "print the state", .run = commands_show },
	{ .name = "stop",
	  .arguments = "[keep]",
	  .usage = "leave all routers and end; keep: end at once, for the next start",
	  .run = commands_stop,
	  .max_words = 1 },
	{ .name = "trace",
	  .arguments = "client ADDRESS [PORT|any [SECONDS]]",
	  .usage = "say what becomes of each packet of a client",
	  .run = commands_trace,
	  .max_words = 4,
	  .follows = true },
};

struct control *commands_open(struct daemon *d, struct err *err)
{
	return control_open(d->base, d->conf->control, commands,
			    sizeof(commands) / sizeof(commands[0]), d, err);
}
