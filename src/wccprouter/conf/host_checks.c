/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the host that make redirection fail silently when they are wrong. */
#include "wccprouter/conf/host_checks.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

/* A number under /proc/sys/net; -1 when it cannot be read.  `of` is an
 * interface, which may have dots in its name. */
static int host_checks_setting(const char *family, const char *of, const char *name)
{
	char path[128];
	int value = -1;
	FILE *f;

	if (of)
		snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, of,
			 name);
	else
		snprintf(path, sizeof(path), "/proc/sys/net/%s/%s", family, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

/* The kernel takes the greater of "all" and the interface's own. */
static bool host_checks_rp_filter_is_strict(const char *interface)
{
	int all = host_checks_setting("ipv4", "all", "rp_filter");
	int own = host_checks_setting("ipv4", interface, "rp_filter");

	return (all > own ? all : own) == 1;
}

void host_checks_warn(const struct routerd_conf *conf)
{
	unsigned i;

	for (i = 0; i < conf->n_warnings; i++)
		log_warning("configuration", "%s", conf->warnings[i].text);
	if (host_checks_setting("ipv4", NULL, "ip_forward") == 0)
		log_warning("ip-forward-off",
			    "net.ipv4.ip_forward is 0: this host forwards nothing, so "
			    "neither unassigned nor returned packets get further");
	if (addr_is_set(&conf->router_id6) &&
	    host_checks_setting("ipv6", "all", "forwarding") == 0)
		log_warning("ipv6-forwarding-off",
			    "net.ipv6.conf.all.forwarding is 0: this host forwards no "
			    "packets of IPv6");
	for (i = 0; i < conf->caches_in.n; i++)
		if (host_checks_rp_filter_is_strict(conf->caches_in.names[i]))
			log_warning(
				"rp-filter-strict",
				"net.ipv4.conf.%s.rp_filter is strict (1): packets "
				"that web-caches return will be dropped; set it and "
				"net.ipv4.conf.all.rp_filter to 0 or 2",
				conf->caches_in.names[i]);
}
