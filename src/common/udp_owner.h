/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process has a UDP port of this network namespace. */
#ifndef WCCPD_COMMON_UDP_OWNER_H
#define WCCPD_COMMON_UDP_OWNER_H

#include <stdbool.h>

struct udp_owner {
	int pid;
	char name[32]; /* of its program, as ps(1) has it */
};

/* Look while we may look at all processes: udp_owner_find() then answers from memory what it
 * cannot see any more. */
void udp_owner_note(unsigned port);

/* False if there is none, or it may not be inspected. */
bool udp_owner_find(unsigned port, struct udp_owner *out);

#endif
