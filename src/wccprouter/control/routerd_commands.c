/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does on request: one function and one table entry a command. */
#include "wccprouter/control/routerd_commands.h"

#include "wccprouter/control/message_debug.h"
#include "wccprouter/control/routerd_admin.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/show/show_json.h"
#include "wccprouter/show/show_view.h"

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

static const struct control_command commands[] = {
	{ .name = "debug", .run = routerd_commands_debug, .max_words = 3 },
	{ .name = "fault", .run = routerd_commands_fault, .max_words = 9 },
	{ .name = "follow",
	  .run = routerd_commands_follow,
	  .max_words = 2,
	  .follows = true },
	{ .name = "shut", .run = routerd_commands_shut, .max_words = 1 },
	{ .name = "no-shut", .run = routerd_commands_no_shut, .max_words = 1 },
	{ .name = "group-list",
	  .run = routerd_commands_group_list,
	  .max_words = 1 + WCCP_MAX_CACHES },
	{ .name = "receive-id", .run = routerd_commands_receive_id, .max_words = 2 },
	{ .name = "restart", .run = routerd_commands_restart, .max_words = 1 },
	{ .name = "router-id", .run = routerd_commands_router_id, .max_words = 2 },
	{ .name = "show", .run = routerd_commands_show, .max_words = 3 },
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

struct control *routerd_commands_open(struct routerd_commands *c,
				      struct event_base *base, const char *path,
				      struct err *err)
{
	return control_open(base, path, commands, N_COMMANDS, c, err);
}

bool routerd_commands_has(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return !commands[i].follows;
	return false;
}

json_t *routerd_commands_run(struct routerd_commands *c, const char *line)
{
	return control_run(commands, N_COMMANDS, c, line);
}
