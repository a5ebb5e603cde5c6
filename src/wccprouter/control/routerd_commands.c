/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control commands: one function and one table entry for each. */
#include "wccprouter/control/routerd_commands.h"

#include "wccprouter/control/message_debug.h"
#include "wccprouter/control/routerd_admin.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/show/metrics.h"
#include "wccprouter/show/show_json.h"
#include "wccprouter/show/show_view.h"

#include <stdlib.h>
#include <string.h>

static json_t *routerd_commands_refuse(const struct err *err)
{
	return json_pack("{s:s}", "error", err->text);
}

static json_t *routerd_commands_show(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;
	struct show_request r;
	struct err err = { "out of memory" };
	json_t *part;

	if (show_view_parse(n, words, &r, &err) < 0)
		return routerd_commands_refuse(&err);
	part = show_json_answer(c->services, &r, &err);
	return part ? part : routerd_commands_refuse(&err);
}

static json_t *routerd_commands_debug(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return message_debug_command(c->debug, n, words);
}

static json_t *routerd_commands_follow(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return message_debug_follow(c->debug, n, words);
}

static json_t *routerd_commands_shut(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return routerd_admin_shut(c->services, true, n, words);
}

static json_t *routerd_commands_no_shut(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return routerd_admin_shut(c->services, false, n, words);
}

static json_t *routerd_commands_group_list(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return routerd_admin_group_list(c->services, n, words);
}

static json_t *routerd_commands_restart(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return routerd_admin_restart(c->services, n, words);
}

static json_t *routerd_commands_receive_id(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return routerd_admin_receive_id(c->services, n, words);
}

static json_t *routerd_commands_router_id(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return routerd_admin_router_id(c->services, n, words);
}

static json_t *routerd_commands_fault(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	return faults_command(c->faults, n, words);
}

static json_t *routerd_commands_metrics(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;
	size_t len;
	char *text = metrics_text(c->services, &len);
	json_t *answer = NULL;

	(void)n, (void)words;
	if (text) /* the printer ends the last line */
		answer = json_pack("{s:s#}", "text", text, (int)(len - 1));
	free(text);
	return answer;
}

static json_t *routerd_commands_stop(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;

	if (n && strcmp(words[0], "keep") != 0)
		return json_pack("{s:s}", "error", "the only word is keep");
	c->stop(c->arg, n > 0);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *routerd_commands_upgrade(void *arg, unsigned n, char *const *words)
{
	const struct routerd_commands *c = arg;
	struct err err;

	(void)n, (void)words;
	if (c->upgrade(c->arg, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *routerd_commands_help(void *arg, unsigned n, char *const *words)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	json_t *answer = NULL;

	(void)arg, (void)n, (void)words;
	if (to) {
		routerd_commands_print(to);
		if (fclose(to) == 0)
			answer = json_pack("{s:s#}", "text", text, (int)(len - 1));
	}
	free(text);
	return answer;
}

static const struct control_command routerd_commands_table[] = {
	{ .name = "debug",
	  .arguments = "[on [SERVICE] [PEER] | off]",
	  .usage = "log each message, or say what is logged",
	  .run = routerd_commands_debug,
	  .max_words = 3 },
	{ .name = "fault",
	  .arguments = "[list | FAULT | clear [NUMBER] | seed NUMBER]",
	  .usage = "list, inject or clear faults",
	  .run = routerd_commands_fault,
	  .max_words = 9 },
	{ .name = "follow",
	  .arguments = "[SERVICE] [PEER]",
	  .usage = "print each message as it happens",
	  .run = routerd_commands_follow,
	  .max_words = 2,
	  .follows = true },
	{ .name = "group-list",
	  .arguments = "SERVICE any | ADDRESS ...",
	  .usage = "change who may join",
	  .run = routerd_commands_group_list,
	  .max_words = 1 + WCCP_MAX_CACHES },
	{ .name = "help", .usage = "list the commands", .run = routerd_commands_help },
	{ .name = "metrics",
	  .usage = "print counters and states as OpenMetrics",
	  .run = routerd_commands_metrics },
	{ .name = "no-shut",
	  .arguments = "SERVICE",
	  .usage = "bring a service back",
	  .run = routerd_commands_no_shut,
	  .max_words = 1 },
	{ .name = "receive-id",
	  .arguments = "SERVICE jump | wrap",
	  .usage = "skip receive ids",
	  .run = routerd_commands_receive_id,
	  .max_words = 2 },
	{ .name = "restart",
	  .arguments = "[SERVICE]",
	  .usage = "forget members and assignment, as a router that restarts does",
	  .run = routerd_commands_restart,
	  .max_words = 1 },
	{ .name = "router-id",
	  .arguments = "SERVICE ADDRESS",
	  .usage = "state another router id",
	  .run = routerd_commands_router_id,
	  .max_words = 2 },
	{ .name = "show",
	  .arguments = "[global | problems | SERVICE [VIEW]]",
	  .usage = "print the state; VIEW is clients, detail, view or buckets",
	  .run = routerd_commands_show,
	  .max_words = 3 },
	{ .name = "shut",
	  .arguments = "SERVICE",
	  .usage = "take a service away, as if it were not configured",
	  .run = routerd_commands_shut,
	  .max_words = 1 },
	{ .name = "stop",
	  .arguments = "[keep]",
	  .usage = "end; keep: leave what is in the kernel for the next start",
	  .run = routerd_commands_stop,
	  .max_words = 1 },
	{ .name = "upgrade",
	  .usage = "execute the present program in place; packets go on as before",
	  .run = routerd_commands_upgrade },
};

enum {
	N_COMMANDS = sizeof(routerd_commands_table) / sizeof(routerd_commands_table[0])
};

void routerd_commands_print(FILE *to)
{
	control_print_commands(routerd_commands_table, N_COMMANDS, to);
}

struct control *routerd_commands_open(struct routerd_commands *c,
				      struct event_base *base, const char *path,
				      struct err *err)
{
	return control_open(base, path, routerd_commands_table, N_COMMANDS, c, err);
}

bool routerd_commands_has(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(routerd_commands_table[i].name, name) == 0)
			return !routerd_commands_table[i].follows;
	return false;
}

json_t *routerd_commands_run(struct routerd_commands *c, const char *line)
{
	return control_run(routerd_commands_table, N_COMMANDS, c, line);
}
