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

/* Settings that only a restart can change. */
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

static const struct conf_service *reload_find(const struct conf *conf,
					      const struct wccp_service *id)
{
	for (unsigned i = 0; i < conf->n_services; i++)
		if (wccp_same_group(&conf->services[i].group.service, id))
			return &conf->services[i];
	return NULL;
}

static bool reload_prefers_otherwise(const struct cache_preference *a,
				     const struct cache_preference *b)
{
	if (a->n != b->n)
		return true;
	for (unsigned i = 0; i < a->n; i++)
		if (a->methods[i] != b->methods[i])
			return true;
	return false;
}

/* Methods and timers are negotiated with a router when we join it, and not again. */
static void reload_log_agreed(const struct conf *old, const struct conf *new)
{
	for (unsigned i = 0; i < new->n_services; i++) {
		const struct cache_conf *b = &new->services[i].group, *a;
		const struct conf_service *was = reload_find(old, &b->service);

		if (!was)
			continue;
		a = &was->group;
		if (a->transmit_t_ms != b->transmit_t_ms ||
		    a->timeout_scale != b->timeout_scale ||
		    a->ra_scale != b->ra_scale ||
		    reload_prefers_otherwise(&a->forward, &b->forward) ||
		    reload_prefers_otherwise(&a->ret, &b->ret) ||
		    reload_prefers_otherwise(&a->assign, &b->assign))
			log_event(
				NOTE_WARNING, "reload",
				(struct log_about){ .service = new->services[i].name },
				"timers or methods have changed: a router that has "
				"been "
				"joined already may keep those agreed before until it "
				"is "
				"joined anew (see wccpctl show); a restart does so");
	}
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
	reload_log_agreed(old, new);
	conf_free(old);
	log_info("reload", "configuration %s is in force", d->conf_path);
	if (new->bypass)
		log_info("reload", "static bypass: %u prefixes", new->bypass->n);
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
