/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of instances for single ports of services: Squid takes TLS at an https_port and
 * nothing else there.  All instances of a pool that have a port for 443, say, make a
 * pool of their own, `web-443` beside `web`, with these ports; a service of port 443
 * that names `web` gets that.  So everything after the configuration deals with pools
 * of one kind of port only, and an instance may be up at one port and absent at the
 * other.
 */
#include "wccpd/conf/conf_sections.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { HTTP = 80, HTTPS = 443 };

/* -- of an instance -------------------------------------------------------------------- */

static int conf_ports_add(struct reader *r, cfg_t *section, const char *name,
			  uint32_t service, uint32_t own, struct conf_instance *out)
{
	for (unsigned i = 0; i < out->n_ports; i++)
		if (out->ports[i].service == service)
			return read_fail(r, section, name, "%s: %u is listed twice",
					 name, service);
	if (out->n_ports == CONF_MAX_PORTS)
		return read_fail(r, section, name, "%s: more than %d", name,
				 CONF_MAX_PORTS);
	if (own == out->port)
		return read_fail(r, section, name, "%s: %u is its port for all others",
				 name, own);
	out->ports[out->n_ports++] = (struct conf_port){ .service = (uint16_t)service,
							 .own = (uint16_t)own };
	return 0;
}

/* "443:3131" */
static int conf_ports_read_item(struct reader *r, cfg_t *section, unsigned i,
				struct conf_instance *out)
{
	const char *text = cfg_getnstr(section, "ports", i);
	const char *colon = strchr(text, ':');
	char first[8] = "";
	uint32_t service, own;

	if (colon && (size_t)(colon - text) < sizeof(first))
		memcpy(first, text, (size_t)(colon - text));
	if (!colon || read_digits(first, UINT16_MAX, &service) < 0 || service == 0 ||
	    read_digits(colon + 1, UINT16_MAX, &own) < 0 || own == 0)
		return read_fail_item(r, section, "ports", i,
				      "ports: %s is not a port of services, a colon and "
				      "a port of the instance",
				      text);
	return conf_ports_add(r, section, "ports", service, own, out);
}

int conf_ports_read(struct reader *r, cfg_t *section, struct conf_instance *out)
{
	uint16_t https = 0;

	if (read_number16(r, section, "https-port", 1, &https) < 0)
		return -1;
	if (https && conf_ports_add(r, section, "https-port", HTTPS, https, out) < 0)
		return -1;
	for (unsigned i = 0; i < cfg_size(section, "ports"); i++)
		if (conf_ports_read_item(r, section, i, out) < 0)
			return -1;
	return 0;
}

/* -- pools ----------------------------------------------------------------------------- */

static int conf_ports_find_pool(const struct conf *conf, unsigned parent, uint16_t port)
{
	for (unsigned i = 0; i < conf->n_pools; i++)
		if (conf->pools[i].for_port == port && conf->pools[i].parent == parent)
			return (int)i;
	return -1;
}

static int conf_ports_add_pool(struct reader *r, cfg_t *section, struct conf *conf,
			       unsigned parent, uint16_t port)
{
	struct conf_pool *p = &conf->pools[conf->n_pools];
	int n;

	if (conf->n_pools == PLAN_MAX_POOLS)
		return read_fail(r, section, NULL,
				 "more than %d pools, counting one for each port of "
				 "services that instances have a port for",
				 PLAN_MAX_POOLS);
	*p = conf->pools[parent];
	p->derived = true;
	p->parent = parent;
	p->for_port = port;
	p->n_instances = 0;
	n = snprintf(p->name, sizeof(p->name), "%s-%u", conf->pools[parent].name, port);
	if (n >= (int)sizeof(p->name))
		return read_fail(r, section, NULL, "pool: no room for -%u in the name",
				 port);
	for (unsigned i = 0; i < conf->n_pools; i++)
		if (strcmp(conf->pools[i].name, p->name) == 0)
			return read_fail(r, section, NULL,
					 "pool %s is made for port %u of pool %s",
					 p->name, port, conf->pools[parent].name);
	return (int)conf->n_pools++;
}

static bool conf_ports_is_same(const struct conf_instance *a, const struct conf_instance *b)
{
	bool distinct = addr_is_set(&a->at) && addr_is_set(&b->at) &&
			!addr_equal(&a->at, &b->at);

	return !distinct && strcmp(a->name, b->name) != 0 &&
	       (!a->pid_file[0] || !b->pid_file[0] || strcmp(a->pid_file, b->pid_file) == 0);
}

/* Each port belongs to one instance only, also in the pool that this one comes from. */
static int conf_ports_check(struct reader *r, cfg_t *section,
			    const struct conf_pool *parent, const struct conf_pool *own,
			    const struct conf_instance *it, uint16_t port)
{
	const struct conf_pool *both[] = { parent, own };

	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < both[k]->n_instances; i++)
			if (both[k]->instances[i].port == port &&
			    conf_ports_is_same(&both[k]->instances[i], it))
				return read_fail(r, section, NULL,
						 "port %u is that of instance %s, too",
						 port, both[k]->instances[i].name);
	return 0;
}

static int conf_ports_add_instance(struct reader *r, cfg_t *section, struct conf *conf,
				   unsigned parent, const struct conf_instance *it,
				   const struct conf_port *port)
{
	int i = conf_ports_find_pool(conf, parent, port->service);
	struct conf_instance *copy;
	struct conf_pool *p;

	if (i < 0)
		i = conf_ports_add_pool(r, section, conf, parent, port->service);
	if (i < 0)
		return -1;
	p = &conf->pools[i];
	if (conf_ports_check(r, section, &conf->pools[parent], p, it, port->own) < 0)
		return -1;
	copy = &p->instances[p->n_instances++];
	*copy = *it;
	copy->port = port->own;
	copy->n_ports = 0;
	copy->proxy = (struct addr){ 0 };
	copy->proxy_port = 0;
	return 0;
}

int conf_ports_make_pools(struct reader *r, struct conf *conf)
{
	unsigned n = conf->n_pools;

	for (unsigned p = 0; p < n; p++) {
		const struct conf_pool *parent = &conf->pools[p];
		cfg_t *section = cfg_getnsec(r->root, "pool", p);

		for (unsigned i = 0; i < parent->n_instances; i++)
			for (unsigned k = 0; k < parent->instances[i].n_ports; k++)
				if (conf_ports_add_instance(
					    r, cfg_getnsec(section, "instance", i),
					    conf, p, &parent->instances[i],
					    &parent->instances[i].ports[k]) < 0)
					return -1;
	}
	for (unsigned p = n; p < conf->n_pools; p++)
		if (conf->pools[p].min_instances > conf->pools[p].n_instances)
			conf->pools[p].min_instances = conf->pools[p].n_instances;
	return 0;
}

/* -- of a service ---------------------------------------------------------------------- */

/* The ports that its clients connect to; returns how many. */
static unsigned conf_ports_of_service(const struct wccp_service *s, uint16_t *out)
{
	unsigned n = 0;

	if (s->type == WCCP_SERVICE_STANDARD)
		out[n++] = HTTP;
	else if (s->protocol == IPPROTO_TCP && s->flags & WCCP_F_PORTS_DEFINED &&
		 !(s->flags & WCCP_F_PORTS_SOURCE))
		for (; n < WCCP_MAX_PORTS && s->ports[n]; n++)
			out[n] = s->ports[n];
	return n;
}

static unsigned conf_ports_pool_for(const struct conf *conf, unsigned parent, uint16_t port)
{
	int own = conf_ports_find_pool(conf, parent, port);

	return own < 0 ? parent : (unsigned)own;
}

void conf_ports_choose_pool(const struct conf *conf, struct conf_service *s)
{
	uint16_t ports[WCCP_MAX_PORTS];
	unsigned n = conf_ports_of_service(&s->group.service, ports), parent = s->pool;

	if (n > 0)
		s->pool = conf_ports_pool_for(conf, parent, ports[0]);
	for (unsigned i = 1; i < n; i++) {
		unsigned own = conf_ports_pool_for(conf, parent, ports[i]);

		if (own != s->pool)
			s->port_pools[i] = (uint8_t)(1 + own);
	}
}

/* Which pool it has for a port; -1: it has not that port. */
static int conf_ports_pool_of(const struct conf_service *s, uint16_t port)
{
	uint16_t ports[WCCP_MAX_PORTS];
	unsigned n = conf_ports_of_service(&s->group.service, ports);

	for (unsigned i = 0; i < n; i++)
		if (ports[i] == port)
			return s->port_pools[i] ? s->port_pools[i] - 1 : (int)s->pool;
	return -1;
}

/* The pool that takes TLS of the one and plain HTTP of the other; -1: none. */
static int conf_ports_mixed(const struct conf_service *tls, const struct conf_service *http)
{
	int pool = conf_ports_pool_of(tls, HTTPS);

	return pool == conf_ports_pool_of(http, HTTP) ? pool : -1;
}

void conf_ports_warn(struct reader *r, cfg_t *section, const struct conf *conf,
		     const struct conf_service *s)
{
	for (unsigned i = 0; i <= conf->n_services; i++) {
		const struct conf_service *other =
			i < conf->n_services ? &conf->services[i] : s;
		int pool = conf_ports_mixed(s, other);

		if (pool < 0)
			pool = conf_ports_mixed(other, s);
		if (pool < 0)
			continue;
		read_warn(r, section, "pool",
			  "pool: %s takes port 443 at the same ports of its instances as "
			  "port 80, where TLS fails: set https-port to Squid's https_port",
			  conf->pools[pool].name);
		return;
	}
}
