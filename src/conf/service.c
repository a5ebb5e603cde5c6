/* SPDX-License-Identifier: GPL-2.0-or-later */
/* service NAME { ... } */
#include "parts.h"

#include <string.h>

#define WELL_KNOWN "web-cache"

cfg_opt_t service_options[] = {
	READ_TEXT("pool"),	 READ_LIST("routers"),
	READ_TEXT("password"),	 READ_LIST("forward"),
	READ_LIST("return"),	 READ_LIST("assign"),
	READ_TEXT("transmit-t"), READ_TEXT("weight"),
	READ_TEXT("when-down"),	 READ_TEXT("id"),
	READ_TEXT("priority"),	 READ_TEXT("protocol"),
	READ_LIST("ports"),	 READ_TEXT("port-type"),
	READ_LIST("hash"),	 CFG_END(),
};

/* What describes a dynamic service; routers know all this of the well-known one. */
static const char *const dynamic_only[] = { "id",    "priority",  "protocol",
					    "ports", "port-type", "hash",
					    NULL };

static int read_well_known(struct reader *r, cfg_t *section, struct wccp_service *out)
{
	for (unsigned i = 0; dynamic_only[i]; i++)
		if (read_is_set(section, dynamic_only[i]))
			return read_fail(r, section, dynamic_only[i],
					 "%s: service " WELL_KNOWN
					 " is well known, it cannot be set",
					 dynamic_only[i]);
	*out = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD,
				      .id = WCCP_WEB_CACHE_ID };
	return 0;
}

static int read_ports(struct reader *r, cfg_t *section, struct wccp_service *out)
{
	unsigned n = cfg_size(section, "ports");
	uint32_t port;

	if (read_require(r, section, "ports") < 0)
		return -1;
	if (n > WCCP_MAX_PORTS)
		return read_fail_item(r, section, "ports", WCCP_MAX_PORTS,
				      "ports: more than %d", WCCP_MAX_PORTS);
	for (unsigned i = 0; i < n; i++) {
		const char *text = cfg_getnstr(section, "ports", i);

		/* On the wire a zero ends the list (2.0 section 5.1.2). */
		if (read_digits(text, UINT16_MAX, &port) < 0 || port == 0)
			return read_fail_item(
				r, section, "ports", i,
				"ports: %s is not a number from 1 to 65535", text);
		out->ports[i] = (uint16_t)port;
	}
	out->flags |= WCCP_F_PORTS_DEFINED;
	return 0;
}

static int read_hash(struct reader *r, cfg_t *section, struct wccp_service *out)
{
	static const char *const words[] = { "src-ip", "dst-ip", "src-port", "dst-port",
					     NULL };
	static const uint32_t flags[] = { WCCP_F_SRC_IP_HASH, WCCP_F_DST_IP_HASH,
					  WCCP_F_SRC_PORT_HASH, WCCP_F_DST_PORT_HASH };
	unsigned n = cfg_size(section, "hash"), which = 0;

	/* As routers hash the well-known service. */
	if (n == 0)
		out->flags |= WCCP_F_DST_IP_HASH;
	for (unsigned i = 0; i < n; i++) {
		if (read_word(r, section, "hash", i, words, &which) < 0)
			return -1;
		out->flags |= flags[which];
	}
	return 0;
}

static int read_dynamic(struct reader *r, cfg_t *section, struct wccp_service *out)
{
	static const char *const protocols[] = { "tcp", NULL };
	static const char *const types[] = { "destination", "source", NULL };
	uint32_t id = 0, priority = 200;
	unsigned protocol = 0, type = 0;

	if (!read_is_set(section, "id"))
		return read_fail(r, section, NULL,
				 "service %s has no id (only " WELL_KNOWN
				 " is well known)",
				 cfg_title(section));
	*out = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC, .protocol = 6 };
	if (read_number(r, section, "id", 0, 255, &id) < 0 ||
	    read_number(r, section, "priority", 0, 255, &priority) < 0 ||
	    read_word(r, section, "protocol", 0, protocols, &protocol) < 0 ||
	    read_ports(r, section, out) < 0 ||
	    read_word(r, section, "port-type", 0, types, &type) < 0 ||
	    read_hash(r, section, out) < 0)
		return -1;
	out->id = (uint8_t)id;
	out->priority = (uint8_t)priority;
	if (type == 1)
		out->flags |= WCCP_F_PORTS_SOURCE;
	return 0;
}

static int read_routers(struct reader *r, cfg_t *section, struct group_conf *out)
{
	unsigned n = cfg_size(section, "routers");

	if (read_require(r, section, "routers") < 0)
		return -1;
	if (n > WCCP_MAX_ROUTERS)
		return read_fail_item(r, section, "routers", WCCP_MAX_ROUTERS,
				      "routers: more than %d", WCCP_MAX_ROUTERS);
	for (unsigned i = 0; i < n; i++) {
		struct addr *router = &out->routers[i];
		const char *text = cfg_getnstr(section, "routers", i);

		if (read_host(r, section, "routers", i, router) < 0)
			return -1;
		if (addr_equal(router, &out->self))
			return read_fail_item(r, section, "routers", i,
					      "routers: %s is the address of this box",
					      text);
		if (addr_find(out->routers, i, router) >= 0)
			return read_fail_item(r, section, "routers", i,
					      "routers: %s is there twice", text);
		out->n_routers++;
	}
	return 0;
}

static int read_password(struct reader *r, cfg_t *section, struct group_conf *out)
{
	char text[WCCP_PASSWORD_LEN + 1];
	struct err why;

	if (!read_is_set(section, "password"))
		return 0;
	if (read_text(r, section, "password", text, sizeof(text)) < 0)
		return -1;
	if (codec_password(text, &out->password, &why) < 0)
		return read_fail(r, section, "password", "password: %s", why.text);
	return 0;
}

/* A list of methods, best first; unset: as *out is. */
static int read_methods(struct reader *r, cfg_t *section, const char *name,
			const char *const *words, const uint32_t *methods,
			struct group_preference *out)
{
	unsigned n = cfg_size(section, name), which = 0;

	if (n == 0)
		return 0;
	out->n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (read_word(r, section, name, i, words, &which) < 0)
			return -1;
		for (unsigned j = 0; j < out->n; j++)
			if (out->methods[j] == methods[which])
				return read_fail_item(r, section, name, i,
						      "%s: %s is there twice", name,
						      words[which]);
		out->methods[out->n++] = methods[which];
	}
	return 0;
}

static int read_preferences(struct reader *r, cfg_t *section, struct group_conf *out)
{
	static const char *const ways[] = { "l2", "gre", NULL };
	static const uint32_t way_bits[] = { WCCP_METHOD_L2, WCCP_METHOD_GRE };
	static const char *const kinds[] = { "hash", "mask", NULL };
	static const uint32_t kind_bits[] = { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK };

	out->forward =
		(struct group_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	out->ret = out->forward;
	out->assign = (struct group_preference){ 1, { WCCP_ASSIGN_HASH } };
	if (read_methods(r, section, "forward", ways, way_bits, &out->forward) < 0 ||
	    read_methods(r, section, "return", ways, way_bits, &out->ret) < 0 ||
	    read_methods(r, section, "assign", kinds, kind_bits, &out->assign) < 0)
		return -1;
	for (unsigned i = 0; i < out->assign.n; i++)
		if (out->assign.methods[i] == WCCP_ASSIGN_MASK)
			return read_fail_item(r, section, "assign", i,
					      "assign: mask is not supported yet");
	return 0;
}

static int read_group(struct reader *r, cfg_t *section, struct group_conf *out)
{
	bool well_known = strcmp(cfg_title(section), WELL_KNOWN) == 0;

	if ((well_known ? read_well_known : read_dynamic)(r, section, &out->service) <
		    0 ||
	    read_routers(r, section, out) < 0 || read_password(r, section, out) < 0 ||
	    read_preferences(r, section, out) < 0)
		return -1;
	/* 500 to 60000 ms is what 2.01 section 6.11.4 suggests. */
	return read_number(r, section, "transmit-t", 500, 60000, &out->transmit_t_ms);
}

static int read_pool(struct reader *r, cfg_t *section, const struct conf *conf,
		     unsigned *out)
{
	const char *name;

	if (read_require(r, section, "pool") < 0)
		return -1;
	name = cfg_getstr(section, "pool");
	for (unsigned i = 0; i < conf->n_pools; i++) {
		if (strcmp(conf->pools[i].name, name) == 0) {
			*out = i;
			return 0;
		}
	}
	return read_fail(r, section, "pool", "pool: there is no pool %s", name);
}

int service_read(struct reader *r, cfg_t *section, const struct conf *conf,
		 struct conf_service *out)
{
	static const char *const when_down[] = { "return", "drop", NULL };
	unsigned drop = 0;

	*out = (struct conf_service){ .weight = 100 };
	out->group.self = conf->address;
	if (part_name(r, section, out->name, sizeof(out->name)) < 0 ||
	    read_pool(r, section, conf, &out->pool) < 0 ||
	    read_group(r, section, &out->group) < 0 ||
	    read_number16(r, section, "weight", 1, &out->weight) < 0 ||
	    read_word(r, section, "when-down", 0, when_down, &drop) < 0)
		return -1;
	out->drop_when_down = drop == 1;
	out->pair = -1;
	return 0;
}
