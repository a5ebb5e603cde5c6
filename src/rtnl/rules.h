/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's routing rules of IPv4, as `ip rule` lists them. */
#ifndef WCCPD_RTNL_RULES_H
#define WCCPD_RTNL_RULES_H

#include "addr.h"
#include "err.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct nl_sock;

struct rule {
	unsigned family; /* ADDR_V4 or ADDR_V6 */
	uint32_t priority, table, mark, mask;
	uint8_t action;	  /* FR_ACT_* */
	uint8_t protocol; /* who made it, RTPROT_* */
	bool inverted;	/* "not" */
	char iif[IF_NAMESIZE], oif[IF_NAMESIZE]; /* empty: any */
	uint8_t from_bits, to_bits;
	struct addr from, to; /* unset: any */
	bool has_more;	      /* selects by something else, too */
};

/* In the order of the kernel's look-up. */
struct rules {
	unsigned n, room;
	struct rule *list; /* NULL when there are none; to be freed by rules_free() */
};

int rules_read(struct nl_sock *sock, unsigned family, struct rules *out, struct err *err);
void rules_free(struct rules *r);

/* "99: not from all fwmark 0xca6c lookup 51820".  `out` has room for `size` octets. */
void rules_text(const struct rule *r, char *out, unsigned size);

#endif
