/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nftables' rules do to one forwarded packet, as far as connection tracking decides
 * it.  Pure: the rules are JSON as libnftables lists them (libnftables-json(5)).
 *
 * Conditions on anything but interfaces, protocol, ports and the state of the
 * connection are not understood; nor are named sets.  What a rule of iptables matches
 * is not in the listing: a match "conntrack" is assumed to be what it mostly is,
 * INVALID before a drop and ESTABLISHED before an accept.
 */
#ifndef WCCPD_WCCPROUTER_FIREWALL_RULESET_H
#define WCCPD_WCCPROUTER_FIREWALL_RULESET_H

#include <jansson.h>
#include <stdbool.h>

enum ruleset_state {
	RULESET_ESTABLISHED, /* both directions were seen */
	RULESET_INVALID,     /* one was not, so that tracking cannot follow */
	RULESET_UNTRACKED,
};

struct ruleset_packet {
	bool v6;
	const char *in, *out; /* names of interfaces; NULL: not known */
	int protocol;	      /* of IP */
	int sport, dport;     /* -1: not known */
	enum ruleset_state state;
};

/* A base chain; the texts live as long as the listing. */
struct ruleset_chain {
	const char *family, *table, *name;
};

/* Do rules keep the packet from being tracked?  Assumes that a condition that is not
 * understood is met: whoever wrote such a rule had a reason. */
bool ruleset_untracks(const json_t *ruleset, const struct ruleset_packet *p);

/* Do rules drop the packet?  Then `where` is the chain that does.  Assumes that a rule
 * with a condition that is not understood does not fit. */
bool ruleset_drops(const json_t *ruleset, const struct ruleset_packet *p,
		   struct ruleset_chain *where);

#endif
