/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does on request: one function and one table entry a command. */
#include "commands.h"

#include "engine.h"
#include "show.h"
#include "show_view.h"

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

static const struct control_command commands[] = {
	{ .name = "debug", .run = do_debug, .max_words = 3 },
	{ .name = "follow", .run = do_follow, .max_words = 2, .follows = true },
	{ .name = "show", .run = do_show, .max_words = 3 },
};

struct control *commands_open(struct engine *e, struct err *err)
{
	return control_open(e->base, e->conf->control, commands,
			    sizeof(commands) / sizeof(commands[0]), e, err);
}
