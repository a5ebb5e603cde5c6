/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long something has lasted, for people. */
#ifndef WCCPD_WCCPCTL_DURATION_H
#define WCCPD_WCCPCTL_DURATION_H

#include <stdio.h>

struct duration_text {
	char s[32];
};

/* "42s", "12m03s", "3h04m", "5d02h" */
static inline struct duration_text duration_text(long long s)
{
	struct duration_text t;

	if (s < 60)
		snprintf(t.s, sizeof(t.s), "%llds", s);
	else if (s < 3600)
		snprintf(t.s, sizeof(t.s), "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(t.s, sizeof(t.s), "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(t.s, sizeof(t.s), "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return t;
}

#endif
