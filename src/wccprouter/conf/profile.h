/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How real routers behave: what each model offers, sends and leaves out.  A profile
 * sets the defaults of a configuration; options in the file override them.
 */
#ifndef WCCPD_WCCPROUTER_CONF_PROFILE_H
#define WCCPD_WCCPROUTER_CONF_PROFILE_H

#include "router.h"

struct profile {
	const char *name;
	uint32_t forward, ret, assign; /* on offer */
	uint8_t max_minor;	       /* of version 2 */
	bool timers;		       /* TRANSMIT_T and TIMER_SCALE are advertised */
	bool echo;		       /* the assignment by hash is stated */
	enum router_mask_identity mask_identity;
	bool multicast;	       /* supports group addresses */
	bool ignores_id_zero;  /* datagrams with IP identification 0 */
	bool loopback_id;      /* the router id is one of a loopback if there is one */
	unsigned max_services; /* 0: no limit of its own */
	unsigned max_caches;   /* of a service; 0 likewise */
};

/* NULL when there is none of this name. */
const struct profile *profile_find(const char *name);
/* All names in one text, with commas. */
const char *profile_names(void);
/* Apply what concerns one service. */
void profile_apply(const struct profile *p, struct router_conf *out);

#endif
