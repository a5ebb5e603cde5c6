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

static const struct control_command commands[] = {
	{ .name = "show", .run = do_show, .max_words = 3 },
};

struct control *commands_open(struct engine *e, struct err *err)
{
	return control_open(e->base, e->conf->control, commands,
			    sizeof(commands) / sizeof(commands[0]), e, err);
}
