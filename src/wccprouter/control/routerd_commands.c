/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does on request: one function and one table entry a command. */
#include "wccprouter/control/routerd_commands.h"

#include "wccprouter/control/routerd_admin.h"
#include "wccprouter/routerd.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/show/show_json.h"
#include "wccprouter/show/show_view.h"

#include <string.h>

static json_t *refuse(const struct err *err)
{
	return json_pack("{s:s}", "error", err->text);
}

static json_t *do_show(void *e, unsigned n, char *const *words)
{
	struct show_request r;
	struct err err = { "out of memory" };
	json_t *part;

	if (show_view_parse(n, words, &r, &err) < 0)
		return refuse(&err);
	part = show_answer(e, &r, &err);
	return part ? part : refuse(&err);
}

static json_t *do_debug(void *e, unsigned n, char *const *words)
{
	return debug_command(e, n, words);
}

static json_t *do_follow(void *e, unsigned n, char *const *words)
{
	return debug_follow(e, n, words);
}

static json_t *do_shut(void *e, unsigned n, char *const *words)
{
	return admin_shut(e, true, n, words);
}

static json_t *do_no_shut(void *e, unsigned n, char *const *words)
{
	return admin_shut(e, false, n, words);
}

static json_t *do_group_list(void *e, unsigned n, char *const *words)
{
	return admin_group_list(e, n, words);
}

static json_t *do_restart(void *e, unsigned n, char *const *words)
{
	return admin_restart(e, n, words);
}

static json_t *do_receive_id(void *e, unsigned n, char *const *words)
{
	return admin_receive_id(e, n, words);
}

static json_t *do_router_id(void *e, unsigned n, char *const *words)
{
	return admin_router_id(e, n, words);
}

static json_t *do_fault(void *arg, unsigned n, char *const *words)
{
	struct engine *e = arg;

	return faults_command(e->faults, n, words);
}

static const struct control_command commands[] = {
	{ .name = "debug", .run = do_debug, .max_words = 3 },
	{ .name = "fault", .run = do_fault, .max_words = 9 },
	{ .name = "follow", .run = do_follow, .max_words = 2, .follows = true },
	{ .name = "shut", .run = do_shut, .max_words = 1 },
	{ .name = "no-shut", .run = do_no_shut, .max_words = 1 },
	{ .name = "group-list",
	  .run = do_group_list,
	  .max_words = 1 + WCCP_MAX_CACHES },
	{ .name = "receive-id", .run = do_receive_id, .max_words = 2 },
	{ .name = "restart", .run = do_restart, .max_words = 1 },
	{ .name = "router-id", .run = do_router_id, .max_words = 2 },
	{ .name = "show", .run = do_show, .max_words = 3 },
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

struct control *commands_open(struct engine *e, struct err *err)
{
	return control_open(e->base, e->conf->control, commands, N_COMMANDS, e, err);
}

bool commands_has(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return !commands[i].follows;
	return false;
}

json_t *commands_run(struct engine *e, const char *line)
{
	return control_run(commands, N_COMMANDS, e, line);
}
