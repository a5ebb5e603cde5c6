/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Senders of redirected packets that the protocol does not tell us of. */
#include "wccpd/conf/conf_sections.h"

#include <stdio.h>
#include <string.h>

static int conf_sources_check_number(struct reader *r, cfg_t *section, const char *name)
{
	if (cfg_size(section, name) <= CONF_MAX_SOURCES)
		return 0;
	return read_fail_item(r, section, name, CONF_MAX_SOURCES, "%s: more than %d",
			      name, CONF_MAX_SOURCES);
}

static int conf_sources_read_gre(struct reader *r, cfg_t *section,
				 struct conf_service *out)
{
	unsigned n = cfg_size(section, "gre-sources");

	if (conf_sources_check_number(r, section, "gre-sources") < 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		struct addr *a = &out->gre_sources[i];

		if (read_host(r, section, "gre-sources", i, a) < 0)
			return -1;
		if (addr_equal(a, &out->group.self))
			return read_fail_item(r, section, "gre-sources", i,
					      "gre-sources: %s is the address of this "
					      "box",
					      ADDR_TEXT(a));
	}
	out->n_gre_sources = n;
	return 0;
}

/* "00:00:5e:00:01:07" of one interface, not of a group of them. */
static bool conf_sources_parse_mac(const char *text, uint8_t mac[6])
{
	static const uint8_t none[6];
	int n = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1],
		      &mac[2], &mac[3], &mac[4], &mac[5], &n) == 6 &&
	       text[n] == '\0' && n == 17 && !(mac[0] & 1) &&
	       memcmp(mac, none, sizeof(none)) != 0;
}

static int conf_sources_read_l2(struct reader *r, cfg_t *section,
				struct conf_service *out)
{
	unsigned n = cfg_size(section, "l2-sources");

	if (conf_sources_check_number(r, section, "l2-sources") < 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		const char *text = cfg_getnstr(section, "l2-sources", i);

		if (!conf_sources_parse_mac(text, out->l2_sources[i]))
			return read_fail_item(
				r, section, "l2-sources", i,
				"l2-sources: %s is not the MAC address of "
				"an interface, as 00:00:5e:00:01:07",
				text);
	}
	out->n_l2_sources = n;
	return 0;
}

int conf_sources_read(struct reader *r, cfg_t *section, struct conf_service *out)
{
	if (conf_sources_read_gre(r, section, out) < 0)
		return -1;
	return conf_sources_read_l2(r, section, out);
}
