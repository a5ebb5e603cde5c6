/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink/rtnl_monitor.h on a leash, for tests/net/test_rtnl_monitor.py.  Commands, each
 * answered with the kinds that have changed:
 *
 *   read	look once, as soon as the monitor's descriptor is readable
 *   drain	look until it is not readable any more
 */
#include "rtnl/rtnl_monitor.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void say(unsigned kinds)
{
	static const char *const names[] = { "link", "address", "route", "rule",
					     "neighbour", "filter", "sysctl" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (kinds >> i & 1)
			printf("%s ", names[i]);
	printf("\n");
}

int main(void)
{
	struct pollfd p = { .events = POLLIN };
	struct rtnl_monitor *m;
	struct err err;
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rtnl_monitor_open(&m, RTNL_ALL, &err) < 0) {
		printf("error %s\n", err.text);
		return 1;
	}
	p.fd = rtnl_monitor_fd(m);
	printf("open\n");
	while (fgets(line, sizeof(line), stdin)) {
		bool once = !strcmp(line, "read\n");
		unsigned kinds = 0;

		if (once && poll(&p, 1, 5000) == 1)
			kinds = rtnl_monitor_read(m);
		while (!once && poll(&p, 1, 0) == 1)
			kinds |= rtnl_monitor_read(m);
		say(kinds);
	}
	rtnl_monitor_close(m);
	return 0;
}
