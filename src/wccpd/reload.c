/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the configuration again. */
#include "wccpd/reload.h"

#include "log.h"
#include "wccpd/daemon.h"
#include "wccpd/replan.h"
#include "wccpd/services.h"

#include <string.h>

void reload_log_warnings(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->n_warnings; i++)
		log_event(NOTE_WARNING, "configuration", (struct log_about){ 0 }, "%s",
			  conf->warnings[i].text);
}

/* What a reload cannot change without starting anew. */
static int reload_check(const struct conf *old, const struct conf *new, struct err *err)
{
	if (!addr_equal(&old->address, &new->address))
		return err_set(
			err, "address cannot change from %s to %s in a reload: restart",
			ADDR_TEXT(&old->address), ADDR_TEXT(&new->address));
	if (strcmp(old->control, new->control) != 0)
		return err_set(err, "control cannot change in a reload: restart");
	return 0;
}

int reload_take(struct daemon *d, struct conf *new, struct err *err)
{
	struct services_next services;
	struct pools_next *pools;

	if (services_prepare(d, new, &services, err) < 0)
		return -1;
	pools = pools_prepare(d->pools, new, err);
	if (!pools) {
		services_discard(&services);
		return -1;
	}
	d->conf = new;
	pools_commit(d->pools, pools);
	services_commit(d, new, &services);
	return 0;
}

int reload_configuration(struct daemon *d, struct err *err)
{
	struct conf *old = d->conf;
	struct conf *new;

	if (d->stopping)
		return err_set(err, "the daemon is stopping");
	new = conf_load(d->conf_path, err);
	if (!new)
		return -1;
	if (reload_check(old, new, err) < 0 || reload_take(d, new, err) < 0) {
		err_prefix(err, "%s", d->conf_path);
		conf_free(new);
		return -1;
	}
	conf_free(old);
	log_info("reload", "configuration %s is in force", d->conf_path);
	reload_log_warnings(new);
	services_settle(d);
	replan_soon(d);
	return 0;
}

void reload_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct err err;

	(void)fd, (void)what;
	if (reload_configuration(d, &err) < 0)
		log_error("reload", "%s; the old configuration stays in force",
			  err.text);
}
