/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TC filters of an interface, as `tc filter show` lists them. */
#ifndef WCCPD_KERNEL_TC_LIST_H
#define WCCPD_KERNEL_TC_LIST_H

#include <stdbool.h>
#include <stdint.h>

enum { TC_LIST_MAX = 64 }; /* later ones are left out */

struct tc_entry {
	uint32_t priority, handle;
	char kind[16]; /* "bpf", "flower", ... */
	char name[32]; /* of an eBPF program; or empty */
	uint32_t program; /* its id; 0: none */
};

struct tc_list {
	unsigned n;
	struct tc_entry entries[TC_LIST_MAX];
};

/* Those of chain 0, at the clsact qdisc's ingress or egress, in their order; empty when
 * there is no such qdisc.  -1 when the kernel cannot be asked. */
int tc_list_read(unsigned ifindex, bool egress, struct tc_list *out);

/* "bpf \"name\" (program 12), priority 1".  `out` has room for `size` octets. */
void tc_list_text(const struct tc_entry *e, char *out, unsigned size);

#endif
