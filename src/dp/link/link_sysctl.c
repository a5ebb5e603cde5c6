/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/link/link_sysctl.h"

#include "addr.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

struct link_sysctl_path {
	char s[64 + IF_NAMESIZE];
};

static struct link_sysctl_path link_sysctl_path(unsigned family, const char *interface,
						const char *name)
{
	struct link_sysctl_path path;

	snprintf(path.s, sizeof(path.s), "/proc/sys/net/ipv%u/conf/%s/%s", family,
		 interface, name);
	return path;
}

int link_sysctl_of(unsigned family, const char *interface, const char *name)
{
	int value = -1;
	FILE *f = fopen(link_sysctl_path(family, interface, name).s, "re");

	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

int link_sysctl(const char *interface, const char *name)
{
	return link_sysctl_of(ADDR_V4, interface, name);
}

int link_sysctl_set(const char *interface, const char *name, int value, struct err *err)
{
	struct link_sysctl_path path = link_sysctl_path(ADDR_V4, interface, name);
	FILE *f = fopen(path.s, "we");
	int ok = f && fprintf(f, "%d\n", value) > 0;

	if (f && fclose(f) != 0)
		ok = 0;
	if (!ok)
		return err_set(err, "%s: %s", path.s, strerror(errno));
	return 0;
}
