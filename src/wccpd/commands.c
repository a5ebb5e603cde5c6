/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon does on request: one function and one table entry a command. */
#include "wccpd/commands.h"

#include "wccpd/daemon.h"
#include "wccpd/reload.h"
#include "wccpd/status_json.h"

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

static const struct control_command commands[] = {
	{ .name = "reload",
	  .usage = "read the configuration again",
	  .run = commands_reload },
	{ .name = "show", .usage = "print the state", .run = commands_show },
};

struct control *commands_open(struct daemon *d, struct err *err)
{
	return control_open(d->base, d->conf->control, commands,
			    sizeof(commands) / sizeof(commands[0]), d, err);
}
