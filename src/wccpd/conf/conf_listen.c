/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and ports of this box that a pool listens on.  The instances take such
 * connections at a plain port.  If they have a port for redirected ones, too, the plain
 * ports make a pool of their own, `web-listen` beside `web`, as ports for single ports of
 * services do (conf_ports.c); otherwise the pool itself is one of plain ports.
 */
#include "wccpd/conf/conf_sections.h"

#include <stdio.h>
#include <string.h>

#define LISTEN_SUFFIX "-listen"

struct conf_endpoint_text conf_endpoint_text(const struct addr *a, uint16_t port)
{
	struct conf_endpoint_text out;

	if (!addr_is_set(a))
		snprintf(out.s, sizeof(out.s), "*:%u", port);
	else if (a->family == ADDR_V6)
		snprintf(out.s, sizeof(out.s), "[%s]:%u", ADDR_TEXT(a), port);
	else
		snprintf(out.s, sizeof(out.s), "%s:%u", ADDR_TEXT(a), port);
	return out;
}

int conf_listen_parse(const char *text, struct addr *addr, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	char host[ADDR_STRLEN + 2];
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
	uint32_t number;

	if (!colon || len >= sizeof(host) ||
	    read_digits(colon + 1, UINT16_MAX, &number) < 0 || number == 0)
		return -1;
	snprintf(host, sizeof(host), "%.*s", (int)(brackets ? len - 2 : len),
		 text + brackets);
	if (addr_parse(host, addr) < 0 || (addr->family == ADDR_V6) != brackets ||
	    addr_is_multicast(addr))
		return -1;
	*port = (uint16_t)number;
	return 0;
}

/* -- of an instance -------------------------------------------------------------------- */

int conf_listen_read_proxy(struct reader *r, cfg_t *section, bool listens,
			   struct conf_instance *out)
{
	if (!listens && read_is_set(section, "proxy"))
		return read_fail(r, section, "proxy",
				 "proxy: its pool has no listen, nothing would come there");
	if (!listens)
		return 0;
	if (!read_is_set(section, "proxy")) {
		out->proxy = out->check;
		out->proxy_port = out->check_port;
		return 0;
	}
	if (conf_listen_parse(cfg_getstr(section, "proxy"), &out->proxy,
			      &out->proxy_port) < 0)
		return read_fail(r, section, "proxy", "proxy: %s is not address:port",
				 cfg_getstr(section, "proxy"));
	return 0;
}

/* -- of a pool ------------------------------------------------------------------------- */

static int conf_listen_check_unique(struct reader *r, cfg_t *section, unsigned i,
				    const struct conf *conf, const struct plan_listen *l)
{
	for (unsigned k = 0; k < conf->n_listens; k++) {
		const struct plan_listen *other = &conf->listens[k];

		if (l->port == other->port && addr_equal(&l->addr, &other->addr))
			return read_fail_item(r, section, "listen", i,
					      "listen: %s is listed twice, pool %s has it",
					      conf_endpoint_text(&l->addr, l->port).s,
					      conf->pools[other->pool].name);
	}
	return 0;
}

/* 3128, or "10.0.1.2:8080" */
static int conf_listen_read_one(struct reader *r, cfg_t *section, unsigned i,
				struct conf *conf, struct plan_listen *l)
{
	const char *text = cfg_getnstr(section, "listen", i);
	uint32_t port;

	l->addr = (struct addr){ 0 };
	if (read_digits(text, UINT16_MAX, &port) == 0 && port > 0)
		l->port = (uint16_t)port;
	else if (conf_listen_parse(text, &l->addr, &l->port) < 0)
		return read_fail_item(r, section, "listen", i,
				      "listen: %s is neither a port nor address:port", text);
	if (conf->n_listens == PLAN_MAX_LISTENS)
		return read_fail_item(r, section, "listen", i,
				      "listen: more than %d in all pools together",
				      PLAN_MAX_LISTENS);
	return conf_listen_check_unique(r, section, i, conf, l);
}

/* Its instances at their plain ports. */
static void conf_listen_make_plain(struct conf_pool *p)
{
	p->plain = true;
	for (unsigned i = 0; i < p->n_instances; i++) {
		p->instances[i].port = p->instances[i].proxy_port;
		p->instances[i].at = p->instances[i].proxy;
		p->instances[i].plain = true;
		p->instances[i].n_ports = 0;
	}
}

/* Index of the pool that takes the connections; -1: an error. */
static int conf_listen_choose_pool(struct reader *r, cfg_t *section, struct conf *conf,
				   unsigned parent)
{
	struct conf_pool *p = &conf->pools[conf->n_pools];
	char name[sizeof(p->name)];
	int n;

	if (!conf->pools[parent].instances[0].port) {
		conf_listen_make_plain(&conf->pools[parent]);
		return (int)parent;
	}
	if (conf->n_pools == PLAN_MAX_POOLS)
		return read_fail(r, section, "listen",
				 "listen: no room for a pool of plain ports, %d pools are "
				 "the limit",
				 PLAN_MAX_POOLS);
	*p = conf->pools[parent];
	p->derived = true;
	p->parent = parent;
	n = snprintf(name, sizeof(name), "%s" LISTEN_SUFFIX, conf->pools[parent].name);
	if (n >= (int)sizeof(name))
		return read_fail(r, section, "listen",
				 "listen: no room for " LISTEN_SUFFIX " in the name");
	strcpy(p->name, name);
	for (unsigned i = 0; i < conf->n_pools; i++)
		if (strcmp(conf->pools[i].name, name) == 0)
			return read_fail(r, section, "listen",
					 "pool %s is made for listen of pool %s", name,
					 conf->pools[parent].name);
	conf_listen_make_plain(p);
	return (int)conf->n_pools++;
}

static int conf_listen_read(struct reader *r, cfg_t *section, struct conf *conf,
			    unsigned parent)
{
	static const char *const words[] = { "refuse", "pass", NULL };
	struct plan_listen l;
	unsigned word = 0, n = cfg_size(section, "listen");
	int pool;

	if (n == 0 && read_is_set(section, "when-down"))
		return read_fail(r, section, "when-down",
				 "when-down: this is about listen, which the pool has not; a "
				 "service has its own");
	if (n == 0)
		return 0;
	if (read_word(r, section, "when-down", 0, words, &word) < 0)
		return -1;
	pool = conf_listen_choose_pool(r, section, conf, parent);
	if (pool < 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		if (conf_listen_read_one(r, section, i, conf, &l) < 0)
			return -1;
		l.pool = (unsigned)pool;
		l.pass_when_down = word == 1;
		conf->listens[conf->n_listens++] = l;
	}
	return 0;
}

static bool conf_listen_covers(const struct conf *conf, const struct addr *a, uint16_t port)
{
	for (unsigned i = 0; i < conf->n_listens; i++)
		if (conf->listens[i].port == port &&
		    (!addr_is_set(&conf->listens[i].addr) ||
		     addr_equal(&conf->listens[i].addr, a)))
			return true;
	return false;
}

/* Questions to an instance that come by a port of a pool must not be spread. */
static int conf_listen_mark_checks(struct reader *r, struct conf *conf)
{
	for (unsigned p = 0; p < conf->n_pools; p++)
		for (unsigned i = 0; i < conf->pools[p].n_instances; i++) {
			struct conf_instance *it = &conf->pools[p].instances[i];

			it->check_aside =
				conf_listen_covers(conf, &it->check, it->check_port);
			/* There is no IPv6 address that only this host can send from. */
			if (it->check_aside && it->check.family == ADDR_V6)
				return read_fail(r, cfg_getnsec(r->root, "pool", p), "listen",
						 "listen: instance %s is checked at %s, "
						 "which would reach any: this works with "
						 "IPv4 addresses only",
						 it->name,
						 conf_endpoint_text(&it->check,
								    it->check_port)
							 .s);
		}
	return 0;
}

int conf_listen_make_pools(struct reader *r, struct conf *conf)
{
	for (unsigned p = 0; p < cfg_size(r->root, "pool"); p++)
		if (conf_listen_read(r, cfg_getnsec(r->root, "pool", p), conf, p) < 0)
			return -1;
	return conf_listen_mark_checks(r, conf);
}
