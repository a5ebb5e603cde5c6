/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The templates, one row each.
 *
 * No standard gives numbers to dynamic services; these are the ones that routers' and
 * proxies' manuals show, so that a group joins what is configured already: 53, 70 and
 * 80 (RTSP) are those of Cisco's Content Engines, 70, 80 (HTTP, with 90 as its mirror)
 * those of Squid's documentation.  That 80 means two things is current practice; only
 * one of them can be configured.
 *
 * Their 60, FTP, is left out: routers redirect the control connection alone, and the
 * data connections, which have any port, go past the proxy to a server that waits for
 * none.
 */
#include "wccpd/conf/conf_template.h"

#include <netinet/in.h>
#include <string.h>

#define DYNAMIC(number, prio, proto, hash, port)                                       \
	{                                                                              \
		.type = WCCP_SERVICE_DYNAMIC, .id = number, .priority = prio,          \
		.protocol = proto, .flags = WCCP_F_PORTS_DEFINED | (hash), .ports = {  \
			port                                                           \
		}                                                                      \
	}

static const struct conf_template templates[] = {
	{ TEMPLATE_WELL_KNOWN,
	  { .type = WCCP_SERVICE_STANDARD, .id = WCCP_WEB_CACHE_ID } },
	/* The same as the well-known service, with a description that can be
	 * changed. */
	{ TEMPLATE_HTTP,
	  DYNAMIC(80, WCCP_WEB_CACHE_PRIORITY, IPPROTO_TCP, WCCP_F_DST_IP_HASH, 80) },
	{ "https", DYNAMIC(70, 231, IPPROTO_TCP, WCCP_F_DST_IP_HASH, 443) },
	/* Clients ask one or two resolvers: their address would spread nothing. */
	{ "dns", DYNAMIC(53, 200, IPPROTO_UDP, WCCP_F_SRC_IP_HASH, 53) },
	{ "rtsp", DYNAMIC(80, 200, IPPROTO_TCP, WCCP_F_DST_IP_HASH, 554) },
};

enum { N_TEMPLATES = sizeof(templates) / sizeof(templates[0]) };

const struct conf_template *conf_template_find(const char *name)
{
	for (unsigned i = 0; i < N_TEMPLATES; i++)
		if (strcmp(templates[i].name, name) == 0)
			return &templates[i];
	return NULL;
}

const char *conf_template_names(void)
{
	static char names[100];

	if (names[0])
		return names;
	for (unsigned i = 0; i < N_TEMPLATES; i++) {
		strcat(names, i ? ", " : "");
		strcat(names, templates[i].name);
	}
	return names;
}
