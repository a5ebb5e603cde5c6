/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spoof = true: Squid connects with the client's address, so the origin's answers have
 * to be redirected, too.  A second service matches them by their source ports.  Both
 * must lead to the same web-cache, so each is the mirror image of the other: where one
 * looks at the source, the other looks at the destination.
 */
#include "wccpd/conf/conf_sections.h"
#include "wccpd/conf/conf_template.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_ID = 80, MIRROR_ID = 90 }; /* as in Squid's documentation */

static int conf_spoof_read_ids(struct reader *r, cfg_t *section, struct spoof *out)
{
	unsigned n = cfg_size(section, "spoof-ids");
	uint32_t id;

	out->ids[0] = FIRST_ID;
	out->ids[1] = MIRROR_ID;
	if (n == 0)
		return 0;
	if (!out->on)
		return read_fail(r, section, "spoof-ids",
				 "spoof-ids: the service does not spoof");
	if (n != 2)
		return read_fail(r, section, "spoof-ids",
				 "spoof-ids: needs two numbers, of the service and of "
				 "its mirror");
	for (unsigned i = 0; i < 2; i++) {
		const char *text = cfg_getnstr(section, "spoof-ids", i);

		if (read_digits(text, UINT8_MAX, &id) < 0)
			return read_fail_item(
				r, section, "spoof-ids", i,
				"spoof-ids: %s is not a number from 0 to 255", text);
		out->ids[i] = (uint8_t)id;
	}
	if (out->ids[0] == out->ids[1])
		return read_fail_item(r, section, "spoof-ids", 1,
				      "spoof-ids: %u is listed twice", out->ids[0]);
	return 0;
}

int conf_spoof_read(struct reader *r, cfg_t *section, struct spoof *out)
{
	*out = (struct spoof){ 0 };
	if (read_flag(r, section, "spoof", &out->on) < 0 ||
	    conf_spoof_read_ids(r, section, out) < 0)
		return -1;
	if (out->on && read_is_set(section, "id"))
		return read_fail(r, section, "id",
				 "id: of a service that spoofs it is the first of "
				 "spoof-ids");
	if (out->on && read_is_set(section, "port-type"))
		return read_fail(r, section, "port-type",
				 "port-type: of a service that spoofs it is "
				 "destination, and source in its mirror");
	return 0;
}

int conf_spoof_check(struct reader *r, cfg_t *section, const struct cache_conf *group)
{
	const uint32_t flags = group->service.flags;

	if (!(flags & WCCP_F_PORTS_DEFINED))
		return read_fail(r, section, "spoof",
				 "spoof: needs a service with ports");
	/* Squid's own connections use other source ports than the client's. */
	if (flags & (WCCP_F_SRC_PORT_HASH | WCCP_F_SRC_PORT_ALT_HASH))
		return read_fail(r, section,
				 flags & WCCP_F_SRC_PORT_HASH ? "hash"
							      : "alternate-hash",
				 "spoof: src-port differs on both sides of the proxy");
	if (group->mask.sport)
		return read_fail(r, section, "spoof",
				 "spoof: src-port in the mask differs on both sides of "
				 "the proxy");
	if (flags & WCCP_F_DST_IP_HASH)
		read_warn(r, section, "hash",
			  "hash: with spoof, dst-ip works only while the proxy asks "
			  "the very address that the client asked");
	return 0;
}

static uint32_t conf_spoof_swap_flags(uint32_t flags, uint32_t a, uint32_t b)
{
	uint32_t out = flags & ~(a | b);

	return out | (flags & a ? b : 0) | (flags & b ? a : 0);
}

static void conf_spoof_mirror_service(struct wccp_service *s)
{
	s->flags =
		conf_spoof_swap_flags(s->flags, WCCP_F_SRC_IP_HASH, WCCP_F_DST_IP_HASH);
	s->flags = conf_spoof_swap_flags(s->flags, WCCP_F_SRC_PORT_HASH,
					 WCCP_F_DST_PORT_HASH);
	s->flags = conf_spoof_swap_flags(s->flags, WCCP_F_SRC_IP_ALT_HASH,
					 WCCP_F_DST_IP_ALT_HASH);
	s->flags = conf_spoof_swap_flags(s->flags, WCCP_F_SRC_PORT_ALT_HASH,
					 WCCP_F_DST_PORT_ALT_HASH);
	s->flags ^= WCCP_F_PORTS_SOURCE;
}

void conf_spoof_mirror(const struct conf_service *s, uint8_t id,
		       struct conf_service *out)
{
	const struct wccp_mask *mask = &s->group.mask;

	*out = *s;
	snprintf(out->name, sizeof(out->name), "%.*s" CONF_MIRROR_SUFFIX,
		 (int)(sizeof(out->name) - sizeof(CONF_MIRROR_SUFFIX)), s->name);
	out->group.service.id = id;
	conf_spoof_mirror_service(&out->group.service);
	out->group.mask = (struct wccp_mask){
		.src = mask->dst,
		.dst = mask->src,
		.sport = mask->dport,
		.dport = mask->sport,
	};
}
