/* SPDX-License-Identifier: GPL-2.0-or-later */
/* service NAME { ... } */
#include "wccpd/conf/conf_sections.h"

#include "conffile/password.h"

#include <netinet/in.h>
#include <string.h>

cfg_opt_t service_options[] = {
	READ_TEXT("template"),
	READ_TEXT("pool"),
	READ_LIST("routers"),
	READ_TEXT("multicast"),
	READ_TEXT("multicast-ttl"),
	READ_LIST("caches"),
	READ_LIST("gre-sources"),
	READ_LIST("l2-sources"),
	PASSWORD_OPTIONS,
	READ_TEXT("version"),
	READ_LIST("forward"),
	READ_LIST("return"),
	READ_LIST("assign"),
	READ_SECTION("mask", mask_options),
	READ_TEXT("mask-bits"),
	READ_LIST("hot-buckets"),
	READ_TEXT("transmit-t"),
	READ_TEXT("timeout-scale"),
	READ_TEXT("ra-scale"),
	READ_TEXT("weight"),
	READ_TEXT("slow-start"),
	READ_TEXT("when-down"),
	READ_TEXT("udp"),
	READ_TEXT("spoof"),
	READ_LIST("spoof-ids"),
	READ_TEXT("id"),
	READ_TEXT("priority"),
	READ_TEXT("protocol"),
	READ_LIST("ports"),
	READ_TEXT("port-type"),
	READ_LIST("hash"),
	READ_LIST("alternate-hash"),
	READ_TEXT("redirect-only-protocol-0"),
	CFG_END(),
};

static int conf_service_read_ways(struct reader *r, cfg_t *section,
				  struct cache_conf *out)
{
	static const char *const ways[] = { "l2", "gre", NULL };
	static const uint32_t bits[] = { WCCP_METHOD_L2, WCCP_METHOD_GRE };

	out->forward =
		(struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	out->ret = out->forward;
	if (conf_part_methods(r, section, "forward", ways, bits, &out->forward) < 0)
		return -1;
	return conf_part_methods(r, section, "return", ways, bits, &out->ret);
}

/* What we ask for; the router decides. */
static int conf_service_read_timers(struct reader *r, cfg_t *section,
				    struct cache_conf *out)
{
	uint32_t timeout = 0, ra = 0;

	/* 500 to 60000 ms is what 2.01 section 6.11.4 suggests, 1 to 5 section
	 * 6.11.5. */
	if (read_number(r, section, "transmit-t", 500, 60000, &out->transmit_t_ms) <
		    0 ||
	    read_number(r, section, "timeout-scale", 1, 5, &timeout) < 0 ||
	    read_number(r, section, "ra-scale", 1, 5, &ra) < 0)
		return -1;
	out->timeout_scale = (uint8_t)timeout;
	out->ra_scale = (uint8_t)ra;
	return 0;
}

static int conf_service_read_group(struct reader *r, cfg_t *section,
				   const struct spoof *spoof, struct conf_service *out)
{
	struct cache_conf *group = &out->group;

	if (conf_describe_read(r, section, spoof, &group->service) < 0 ||
	    conf_endpoints_read(r, section, out) < 0 ||
	    conf_sources_read(r, section, out) < 0 ||
	    password_read(r, section, &group->password) < 0 ||
	    conf_service_read_ways(r, section, group) < 0 ||
	    conf_service_read_timers(r, section, group) < 0)
		return -1;
	return conf_assign_read(r, section, spoof, group);
}

static int conf_service_read_pool(struct reader *r, cfg_t *section,
				  const struct conf *conf, unsigned *out)
{
	const char *name;

	if (read_require(r, section, "pool") < 0)
		return -1;
	name = cfg_getstr(section, "pool");
	for (unsigned i = 0; i < conf->n_pools; i++) {
		if (strcmp(conf->pools[i].name, name) != 0)
			continue;
		if (conf->pools[i].plain)
			return read_fail(r, section, "pool",
					 "pool: the instances of %s have no port for "
					 "redirected connections",
					 name);
		*out = i;
		return 0;
	}
	return read_fail(r, section, "pool", "pool: there is no pool %s", name);
}

/* The mirror of a service has a longer name. */
static int conf_service_read_name(struct reader *r, cfg_t *section,
				  const struct spoof *spoof, struct conf_service *out)
{
	size_t room = sizeof(out->name);

	if (spoof->on)
		room -= strlen(CONF_MIRROR_SUFFIX);
	return conf_part_name(r, section, out->name, room);
}

static int conf_service_read_udp(struct reader *r, cfg_t *section, struct conf_service *out)
{
	static const char *const words[] = { "return", "drop", NULL };
	const struct wccp_service *s = &out->group.service;
	unsigned drop = 0;

	if (read_word(r, section, "udp", 0, words, &drop) < 0)
		return -1;
	/* Of any protocol, or of this one. */
	if (drop == 1 &&
	    (s->type == WCCP_SERVICE_STANDARD ||
	     (s->protocol != IPPROTO_UDP &&
	      (s->protocol != 0 || s->flags & WCCP_F_ONLY_PROTOCOL_0))))
		return read_fail(r, section, "udp", "udp: service %s takes none",
				 cfg_title(section));
	out->drop_udp = drop == 1;
	return 0;
}

int conf_service_read(struct reader *r, cfg_t *section, const struct conf *conf,
		      struct conf_service *out)
{
	static const char *const when_down[] = { "return", "drop", NULL };
	struct spoof spoof;
	unsigned drop = 0;

	*out = (struct conf_service){ .weight = 100, .pair = -1 };
	out->group.self = conf->address;
	if (conf_spoof_read(r, section, &spoof) < 0 ||
	    conf_service_read_name(r, section, &spoof, out) < 0 ||
	    conf_service_read_pool(r, section, conf, &out->pool) < 0 ||
	    conf_service_read_group(r, section, &spoof, out) < 0 ||
	    read_number16(r, section, "weight", 0, &out->weight) < 0 ||
	    read_number(r, section, "slow-start", 0, 3600, &out->slow_start_s) < 0 ||
	    read_word(r, section, "when-down", 0, when_down, &drop) < 0 ||
	    conf_service_read_udp(r, section, out) < 0)
		return -1;
	conf_ports_choose_pool(conf, out);
	out->drop_when_down = drop == 1;
	if (spoof.on)
		conf_spoof_mirror(out, spoof.ids[1], &out[1]);
	return spoof.on ? 2 : 1;
}
