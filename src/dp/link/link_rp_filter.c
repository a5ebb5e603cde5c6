/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reverse-path filtering, loosened while redirected packets are accepted. */
#include "dp/link/link_rp_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int link_sysctl(const char *interface, const char *name)
{
	char path[64 + IF_NAMESIZE];
	int value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", interface, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static int link_rp_filter_write(const char *interface, int value, struct err *err)
{
	char path[64 + IF_NAMESIZE];
	FILE *f;
	int ok;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", interface);
	f = fopen(path, "we");
	ok = f && fprintf(f, "%d\n", value) > 0;
	if (f && fclose(f) != 0)
		ok = 0;
	if (!ok)
		return err_set(err, "%s: %s", path, strerror(errno));
	return 0;
}

/*
 * The route to the clients of redirected packets need not lead to this interface, so
 * strict filtering would drop them.  The kernel takes the larger of the value of "all"
 * and of the interface; 2 (loose) wins over 1 (strict), so the interface's own is
 * enough.
 */
enum { FILTER_STRICT = 1, FILTER_LOOSE = 2 };

int link_rp_filter_loosen(struct link_rp_filter *f, const char *interface,
			  struct err *err)
{
	int all = link_sysctl("all", "rp_filter"), own = link_sysctl(interface, "rp_filter");

	if (own == FILTER_LOOSE || all == FILTER_LOOSE ||
	    (own != FILTER_STRICT && all != FILTER_STRICT))
		return 0;
	if (link_rp_filter_write(interface, FILTER_LOOSE, err) < 0)
		return -1;
	if (!f->changed)
		f->before = own;
	f->changed = true;
	memcpy(f->interface, interface, sizeof(f->interface));
	return 1;
}

void link_rp_filter_adopt(struct link_rp_filter *f, const char *interface, int before)
{
	if (link_sysctl(interface, "rp_filter") != FILTER_LOOSE)
		return;
	*f = (struct link_rp_filter){ .changed = true, .before = before };
	snprintf(f->interface, sizeof(f->interface), "%s", interface);
}

void link_rp_filter_restore(struct link_rp_filter *f)
{
	if (f->changed && link_sysctl(f->interface, "rp_filter") == FILTER_LOOSE)
		link_rp_filter_write(f->interface, f->before, NULL);
	f->changed = false;
}
