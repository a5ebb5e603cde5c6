/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane of wccprouter: everything between the state of the service
 * groups and the kernel.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_FORWARD_H
#define WCCPD_WCCPROUTER_FORWARD_FORWARD_H

#include "bpf/router/router_maps.h"
#include "err.h"
#include "router.h"
#include "wccprouter/conf/routerd_conf.h"

struct forward;

/* Load the program and attach it to the interfaces of `conf`, which must outlive
 * it.  Until the first forward_apply() it redirects nothing, but what an earlier process
 * has left goes on. */
struct forward *forward_open(const struct routerd_conf *conf, struct err *err);
/* Remove everything from the kernel. */
void forward_close(struct forward *f);
/* The same of our own memory, but leave the kernel as it is, for the next process. */
void forward_leave(struct forward *f);

/*
 * Make the packet path follow `status` (one for each service of the configuration) and
 * the current routes and neighbours.  Packets see the old table or the new one.  Also
 * puts the program on interfaces that have come back.  On failure the old table stays, and
 * while it is too early to replace the table of an earlier process (forward_earlier.h).
 */
int forward_apply(struct forward *f, const struct router_status *status,
		  struct err *err);

/* Is this address on-link, so that frames for it can be sent straight to it? */
bool forward_is_on_link(const struct forward *f, const struct addr *a);

/* Readable when the kernel reports changes of routes or neighbours; apply again if
 * forward_has_changes() says so. */
int forward_changes_fd(const struct forward *f);
bool forward_has_changes(struct forward *f);

/* Readable when the packet path wants "fragmentation needed" sent. */
int forward_events_fd(const struct forward *f);
void forward_events_handle(struct forward *f);

/*
 * Counters, since forward_open(); numbers of services as in the configuration.  -1, and
 * all zero, if they cannot be read.
 */
/* Packets of service `number`; ROUTER_MAX_SERVICES: of none in particular. */
int forward_packets(const struct forward *f, unsigned number,
		    struct router_packets *out);
/* Redirected to a web-cache, since it was first heard of in this service. */
int forward_cache_packets(const struct forward *f, unsigned number,
			  const struct addr *cache, struct router_cache_packets *out);
/* Redirected packets by bucket: the one that decided, which is that of the alternate
 * hash if it was used.  Under mask assignment none are counted. */
int forward_bucket_packets(const struct forward *f, unsigned number,
			   uint64_t out[WCCP_BUCKETS]);

#endif
