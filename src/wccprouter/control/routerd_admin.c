/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes to the running router. */
#include "wccprouter/control/routerd_admin.h"

#include "clock.h"
#include "log.h"
#include "wccprouter/service/routerd_services.h"

#include <string.h>

static json_t *routerd_admin_refuse(const struct err *err)
{
	return json_pack("{s:s}", "error", err->text);
}

static json_t *routerd_admin_done(void)
{
	return json_pack("{s:b}", "ok", 1);
}

/* The service that the first word names; -1 when none is. */
static int routerd_admin_find(const struct routerd_services *services,
			      const char *command, unsigned n, char *const *words,
			      struct err *err)
{
	int i;

	if (n == 0)
		return err_set(err, "%s: which service?", command);
	i = routerd_services_find(services, words[0]);
	return i >= 0 ? i
		      : err_set(err, "%s: no service \"%.32s\" is configured", command,
				words[0]);
}

json_t *routerd_admin_shut(struct routerd_services *services, bool shut, unsigned n,
			   char *const *words)
{
	struct err err;
	int i = routerd_admin_find(services, shut ? "shut" : "no-shut", n, words, &err);

	if (i < 0)
		return routerd_admin_refuse(&err);
	if (services->list[i].shut == shut)
		return routerd_admin_done();
	services->list[i].shut = shut;
	log_event(NOTE_INFO, shut ? "shut" : "no-shut",
		  (struct log_about){ .service = words[0] }, "on request");
	return routerd_services_reset(services, (unsigned)i, clock_now(), &err) < 0
		       ? routerd_admin_refuse(&err)
		       : routerd_admin_done();
}

static int routerd_admin_parse_list(unsigned n, char *const *words,
				    struct addr_prefix *out, struct err *err)
{
	unsigned i;

	if (n == 0)
		return err_set(err, "group-list: any, or addresses and prefixes");
	if (n > WCCP_MAX_CACHES)
		return err_set(err, "group-list: more than %d entries",
			       WCCP_MAX_CACHES);
	for (i = 0; i < n; i++)
		if (addr_prefix_parse(words[i], &out[i], NULL) < 0)
			return err_set(err,
				       "group-list: %.64s is not an address or prefix",
				       words[i]);
	return 0;
}

json_t *routerd_admin_group_list(struct routerd_services *services, unsigned n,
				 char *const *words)
{
	struct addr_prefix list[WCCP_MAX_CACHES];
	struct routerd_service *s;
	struct err err;
	int i = routerd_admin_find(services, "group-list", n, words, &err);
	bool any = n == 2 && strcmp(words[1], "any") == 0;

	if (i < 0 ||
	    (!any && routerd_admin_parse_list(n - 1, words + 1, list, &err) < 0))
		return routerd_admin_refuse(&err);
	s = &services->list[i];
	s->in_force.n_allowed = any ? 0 : n - 1;
	memcpy(s->in_force.allowed, list, s->in_force.n_allowed * sizeof(list[0]));
	router_allow(s->router, list, s->in_force.n_allowed);
	log_event(NOTE_INFO, "group-list", (struct log_about){ .service = words[0] },
		  any ? "on request: any may join" : "on request: %u may join", n - 1);
	return routerd_admin_done();
}

json_t *routerd_admin_restart(struct routerd_services *services, unsigned n,
			      char *const *words)
{
	unsigned first = 0, last = services->n;
	struct err err;

	if (n) {
		int i = routerd_admin_find(services, "restart", n, words, &err);

		if (i < 0)
			return routerd_admin_refuse(&err);
		first = (unsigned)i;
		last = first + 1;
	}
	log_info("restart", "on request: %s", n ? words[0] : "all services");
	for (; first < last; first++)
		if (routerd_services_reset(services, first, clock_now(), &err) < 0)
			return routerd_admin_refuse(&err);
	return routerd_admin_done();
}

json_t *routerd_admin_receive_id(struct routerd_services *services, unsigned n,
				 char *const *words)
{
	const char *how = n == 2 ? words[1] : "";
	bool wrap = strcmp(how, "wrap") == 0;
	struct err err;
	int i = routerd_admin_find(services, "receive-id", n, words, &err);

	if (i < 0)
		return routerd_admin_refuse(&err);
	if (!wrap && strcmp(how, "jump") != 0) {
		err_set(&err, "receive-id: jump or wrap");
		return routerd_admin_refuse(&err);
	}
	router_skip_receive_ids(services->list[i].router, wrap);
	log_event(NOTE_INFO, "receive-id", (struct log_about){ .service = words[0] },
		  "on request: %s", how);
	return routerd_admin_done();
}

/* The configured id of the same family. */
static struct addr *routerd_admin_id_of(struct router_conf *conf,
					const struct addr *new)
{
	return new->family == ADDR_V6 ? &conf->id6 : &conf->id;
}

json_t *routerd_admin_router_id(struct routerd_services *services, unsigned n,
				char *const *words)
{
	struct router_conf *conf;
	struct addr id;
	struct err err;
	int i = routerd_admin_find(services, "router-id", n, words, &err);

	if (i < 0)
		return routerd_admin_refuse(&err);
	conf = &services->list[i].in_force;
	if (n != 2 || addr_parse(words[1], &id) < 0 ||
	    !addr_is_set(routerd_admin_id_of(conf, &id))) {
		err_set(&err, "router-id: an address of a family that has one");
		return routerd_admin_refuse(&err);
	}
	*routerd_admin_id_of(conf, &id) = id;
	router_set_id(services->list[i].router, &id);
	log_event(NOTE_INFO, "router-id", (struct log_about){ .service = words[0] },
		  "on request: %s", words[1]);
	return routerd_admin_done();
}
