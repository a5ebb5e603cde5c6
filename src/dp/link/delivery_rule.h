/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a packet is delivered to a local socket: the rules.  One for each WCCP interface,
 *
 *   PRIORITY: from all fwmark MARK/MASK iif INTERFACE lookup TABLE
 *
 * or a single one, for an interface of our own that all are delivered through:
 *
 *   PRIORITY: from all iif INTERFACE lookup TABLE
 *
 * The former name the interface because without it, they would also catch what sockets
 * send that took their mark from a connection (tcp_fwmark_accept), and the look-up
 * of the source address where src_valid_mark is set.
 *
 * The kernel puts a rule that is added without a priority in front of all the others, so
 * that a fixed one is not enough: when the kernel's own look-up says that another rule
 * takes our packets, ours is put in front of it.  That does no harm to others, because
 * nothing but our packets has the mark, or comes in by that interface.
 */
#ifndef WCCPD_DP_LINK_DELIVERY_RULE_H
#define WCCPD_DP_LINK_DELIVERY_RULE_H

#include "err.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct nl_sock;
struct route_answer;
struct rule;
struct rules;

struct delivery_rule {
	unsigned family; /* ADDR_V4 or ADDR_V6 */
	char interface[IF_NAMESIZE];
	uint32_t mark, mask; /* mask 0: whatever the mark */
	uint32_t table;
	uint32_t priority; /* wished for; it can stand further in front */
	/*
	 * "Who made it".  It also keeps what rp_filter of the interface was before it
	 * was loosened, so that a run after one that was killed can put it back.
	 */
	uint8_t protocol;
};

enum {
	DELIVERY_RULE_PROTOCOL = 87, /* not changed; an arbitrary number */
	DELIVERY_RULE_FILTER_WAS,    /* this, and the value */
	DELIVERY_RULE_FILTER_MOST = 1, /* 2 is what it is loosened to */
};

/* "mark 0x5743 on eth0", or "wccp0".  `out` has room for `size` octets. */
void delivery_rule_text(const struct delivery_rule *r, char *out, unsigned size);

/* All the same but priority and protocol? */
bool delivery_rule_equal(const struct delivery_rule *a, const struct delivery_rule *b);

/* What such a rule, which exists, was made from. */
void delivery_rule_of(const struct rule *there, struct delivery_rule *out);
/* Did a wccpd make it, for that table? */
bool delivery_rule_is_left(const struct rule *there, uint32_t table);
/* Is it the one that is wanted, with any priority? */
bool delivery_rule_is_ours(const struct rule *there, const struct delivery_rule *wanted);

/* The rule as it exists, with any priority (the first one, if there are several); NULL:
 * it does not exist. */
const struct rule *delivery_rule_find(const struct rules *rules,
				      const struct delivery_rule *wanted);

/* With that priority; being there already is fine. */
int delivery_rule_add(struct nl_sock *sock, const struct delivery_rule *wanted,
		      uint32_t priority, struct err *err);
/* Every one of `rules`, whatever its priority, except that of priority `keep`
 * (DELIVERY_RULE_NONE: none of them is kept).  Best effort. */
enum { DELIVERY_RULE_NONE = -1 };
void delivery_rule_remove(struct nl_sock *sock, const struct rules *rules,
			  const struct delivery_rule *wanted, int64_t keep);

/* Of the rules in front of ours, which has priority `before`: the one that led to
 * `answer`; NULL: none of them. */
const struct rule *delivery_rule_in_front(const struct rules *rules,
					  const struct delivery_rule *ours, uint32_t before,
					  const struct route_answer *answer);

/* Is there any rule of others from priority `least` to `most`? */
bool delivery_rule_between(const struct rules *rules, const struct delivery_rule *ours,
			   uint32_t least, uint32_t most);

#endif
