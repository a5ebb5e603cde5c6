/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of a redirect list: which packets of a service are redirected.
 *
 *     permit|deny [PROTOCOL] SOURCE [port N[-M]] [DESTINATION [port N[-M]]]
 *
 * PROTOCOL is ip (any; the default), tcp, udp, icmp, icmpv6 or a number, 0 to 255.
 * SOURCE and DESTINATION are an address, a prefix (10.0.0.0/8) or "any"; without a
 * DESTINATION it is any.  The first rule that fits a packet decides; a packet that none
 * fits is not redirected.
 */
#ifndef WCCPD_WCCPROUTER_CONF_REDIRECT_RULE_H
#define WCCPD_WCCPROUTER_CONF_REDIRECT_RULE_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>

struct redirect_rule_end {
	struct addr prefix; /* unset: any address, of either family */
	uint8_t bits;	    /* of the prefix that count */
	bool has_ports;	    /* named: only packets that show theirs fit */
	uint16_t low, high; /* ports; 0 to 65535 when none are named */
};

struct redirect_rule {
	bool permit;
	bool has_protocol;
	uint8_t protocol;
	struct redirect_rule_end src, dst;
};

/* 0, or -1 with what is wrong with the text (without file and line). */
int redirect_rule_parse(const char *text, struct redirect_rule *out, struct err *err);

#endif
