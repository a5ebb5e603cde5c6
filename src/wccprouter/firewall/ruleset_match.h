/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a packet meet a condition of an nftables rule? */
#ifndef WCCPD_WCCPROUTER_FIREWALL_RULESET_MATCH_H
#define WCCPD_WCCPROUTER_FIREWALL_RULESET_MATCH_H

#include "wccprouter/firewall/ruleset.h"

enum ruleset_answer { RULESET_NO, RULESET_YES, RULESET_UNKNOWN };

/* The object of a "match" statement. */
enum ruleset_answer ruleset_match(const struct ruleset_packet *p, const json_t *match);
/* Is what an expression yields the value, or among those of the set? */
enum ruleset_answer ruleset_match_value(const struct ruleset_packet *p,
					const json_t *expression, const json_t *value);

#endif
