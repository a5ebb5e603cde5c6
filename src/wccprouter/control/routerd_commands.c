/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does on request: one function and one table entry a command. */
#include "wccprouter/control/routerd_commands.h"

#include "wccprouter/control/routerd_admin.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/routerd.h"
#include "wccprouter/show/show_json.h"
#include "wccprouter/show/show_view.h"

#include <string.h>

static json_t *routerd_commands_refuse(const struct err *err)
{
	return json_pack("{s:s}", "error", err->text);
}

static json_t *routerd_commands_show(void *d, unsigned n, char *const *words)
{
	struct show_request r;
	struct err err = { "out of memory" };
	json_t *part;

	if (show_view_parse(n, words, &r, &err) < 0)
		return routerd_commands_refuse(&err);
	part = show_json_answer(d, &r, &err);
	return part ? part : routerd_commands_refuse(&err);
}

static json_t *routerd_commands_debug(void *d, unsigned n, char *const *words)
{
	return message_debug_command(d, n, words);
}

static json_t *routerd_commands_follow(void *d, unsigned n, char *const *words)
{
	return message_debug_follow(d, n, words);
}

static json_t *routerd_commands_shut(void *d, unsigned n, char *const *words)
{
	return routerd_admin_shut(d, true, n, words);
}

static json_t *routerd_commands_no_shut(void *d, unsigned n, char *const *words)
{
	return routerd_admin_shut(d, false, n, words);
}

static json_t *routerd_commands_group_list(void *d, unsigned n, char *const *words)
{
	return routerd_admin_group_list(d, n, words);
}

static json_t *routerd_commands_restart(void *d, unsigned n, char *const *words)
{
	return routerd_admin_restart(d, n, words);
}

static json_t *routerd_commands_receive_id(void *d, unsigned n, char *const *words)
{
	return routerd_admin_receive_id(d, n, words);
}

static json_t *routerd_commands_router_id(void *d, unsigned n, char *const *words)
{
	return routerd_admin_router_id(d, n, words);
}

static json_t *routerd_commands_fault(void *arg, unsigned n, char *const *words)
{
	struct routerd *d = arg;

	return faults_command(d->faults, n, words);
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

struct control *routerd_commands_open(struct routerd *d, struct err *err)
{
	return control_open(d->base, d->conf->control, commands, N_COMMANDS, d, err);
}

bool routerd_commands_has(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return !commands[i].follows;
	return false;
}

json_t *routerd_commands_run(struct routerd *d, const char *line)
{
	return control_run(commands, N_COMMANDS, d, line);
}
