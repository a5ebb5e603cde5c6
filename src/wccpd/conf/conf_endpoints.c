/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of a service group, and the version of the protocol. */
#include "wccpd/conf/conf_sections.h"

#include <string.h>

/* A service group has one address family, as an address table does (2.01 section
 * 6.21). */
static int conf_endpoints_check_family(struct reader *r, cfg_t *section,
				       const char *name, unsigned index,
				       const struct addr *a, const struct addr *self)
{
	if (a->family == self->family)
		return 0;
	return read_fail_item(r, section, name, index,
			      "%s: %s is IPv%u, the address of this box is IPv%u", name,
			      ADDR_TEXT(a), a->family, self->family);
}

/* What 2.0 cannot express, or NULL. */
static const char *conf_endpoints_need_of_201(const struct cache_conf *conf)
{
	if (conf->self.family == ADDR_V6)
		return "IPv6";
	return conf->service.flags & WCCP_F_ONLY_PROTOCOL_0 ? "redirect-only-protocol-0"
							    : NULL;
}

static int conf_endpoints_read_version(struct reader *r, cfg_t *section,
				       struct cache_conf *out)
{
	static const char *const words[] = { "2.0", "2.01", "negotiate", NULL };
	static const enum cache_version versions[] = { CACHE_V20, CACHE_V201,
						       CACHE_NEGOTIATE };
	const char *need = conf_endpoints_need_of_201(out);
	unsigned which = need ? 1 : 0;

	if (read_word(r, section, "version", 0, words, &which) < 0)
		return -1;
	out->version = versions[which];
	if (need && out->version == CACHE_V20)
		return read_fail(r, section, "version",
				 "version: 2.0 has no %s, this needs 2.01 or negotiate",
				 need);
	return 0;
}

static int conf_endpoints_read_router(struct reader *r, cfg_t *section, unsigned i,
				      struct cache_conf *out)
{
	struct addr *router = &out->routers[i];

	if (read_address(r, section, "routers", i, router) < 0 ||
	    conf_endpoints_check_family(r, section, "routers", i, router, &out->self) <
		    0)
		return -1;
	if (addr_equal(router, &out->self))
		return read_fail_item(r, section, "routers", i,
				      "routers: %s is the address of this box",
				      ADDR_TEXT(router));
	if (addr_find(out->routers, i, router) >= 0)
		return read_fail_item(r, section, "routers", i,
				      "routers: %s is listed twice", ADDR_TEXT(router));
	out->n_routers++;
	return 0;
}

static int conf_endpoints_read_routers(struct reader *r, cfg_t *section,
				       struct cache_conf *out)
{
	unsigned n = cfg_size(section, "routers");

	/* A multicast group finds its routers by itself. */
	if (!addr_is_set(&out->multicast) && read_require(r, section, "routers") < 0)
		return -1;
	if (n > WCCP_MAX_ROUTERS)
		return read_fail_item(r, section, "routers", WCCP_MAX_ROUTERS,
				      "routers: more than %d", WCCP_MAX_ROUTERS);
	for (unsigned i = 0; i < n; i++)
		if (conf_endpoints_read_router(r, section, i, out) < 0)
			return -1;
	return 0;
}

static int conf_endpoints_read_multicast(struct reader *r, cfg_t *section,
					 struct conf_service *out)
{
	struct cache_conf *group = &out->group;
	uint32_t ttl = 1;

	if (!read_is_set(section, "multicast")) {
		if (read_is_set(section, "multicast-ttl"))
			return read_fail(r, section, "multicast-ttl",
					 "multicast-ttl: multicast is not set");
		return 0;
	}
	if (read_multicast_address(r, section, "multicast", &group->multicast) < 0 ||
	    conf_endpoints_check_family(r, section, "multicast", 0, &group->multicast,
					&group->self) < 0 ||
	    /* Routers take at most 15. */
	    read_number(r, section, "multicast-ttl", 1, 15, &ttl) < 0)
		return -1;
	out->multicast_ttl = (uint8_t)ttl;
	return 0;
}

static int conf_endpoints_read_caches(struct reader *r, cfg_t *section,
				      struct cache_conf *out)
{
	unsigned n = cfg_size(section, "caches");

	if (n > WCCP_MAX_CACHES)
		return read_fail_item(r, section, "caches", WCCP_MAX_CACHES,
				      "caches: more than %d", WCCP_MAX_CACHES);
	for (unsigned i = 0; i < n; i++) {
		struct addr *cache = &out->allowed[i];

		if (read_address(r, section, "caches", i, cache) < 0 ||
		    conf_endpoints_check_family(r, section, "caches", i, cache,
						&out->self) < 0)
			return -1;
		if (addr_find(out->allowed, i, cache) >= 0)
			return read_fail_item(r, section, "caches", i,
					      "caches: %s is listed twice",
					      ADDR_TEXT(cache));
	}
	out->n_allowed = n;
	if (n && addr_find(out->allowed, n, &out->self) < 0)
		return read_fail(r, section, "caches",
				 "caches: %s is missing, the address of this box",
				 ADDR_TEXT(&out->self));
	return 0;
}

int conf_endpoints_read(struct reader *r, cfg_t *section, struct conf_service *out)
{
	if (conf_endpoints_read_version(r, section, &out->group) < 0 ||
	    conf_endpoints_read_multicast(r, section, out) < 0 ||
	    conf_endpoints_read_routers(r, section, &out->group) < 0)
		return -1;
	return conf_endpoints_read_caches(r, section, &out->group);
}
