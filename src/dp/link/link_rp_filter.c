/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reverse-path filtering, loosened while redirected packets are accepted. */
#include "dp/link/link_rp_filter.h"

#include "dp/link/link_sysctl.h"

#include <stdio.h>
#include <string.h>

/*
 * The route to the clients of redirected packets need not lead to this interface, so
 * strict filtering would drop them.  Changing the interface's own value is enough.
 */
int link_rp_filter_loosen(struct link_rp_filter *f, const char *interface,
			  struct err *err)
{
	int all = link_sysctl("all", "rp_filter"), own = link_sysctl(interface, "rp_filter");

	if (own == FILTER_LOOSE || all == FILTER_LOOSE ||
	    (own != FILTER_STRICT && all != FILTER_STRICT))
		return 0;
	if (link_sysctl_set(interface, "rp_filter", FILTER_LOOSE, err) < 0)
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
		link_sysctl_set(f->interface, "rp_filter", f->before, NULL);
	f->changed = false;
}
