/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this folder share, in the order in which they are best read.
 *
 *   rx_refuse.c   datagrams that are refused
 *   rx_belief.c   is it new, or was it recorded?
 *   rx_view.c     taking in what an I_SEE_YOU says
 *   cache_rx.c    whom a datagram is for, and what follows from it
 */
#ifndef WCCPD_CORE_CACHE_RX_RX_H
#define WCCPD_CORE_CACHE_RX_RX_H

#include "core/cache/cache_impl.h"

/* -- rx_refuse.c ------------------------------------------------------------------- */

/* `p` (may be NULL) is the router with the address `from`. */
void rx_refuse(struct cache *c, struct peer *p, const struct addr *from,
	       enum codec_refusal r, const char *why, struct step *s);
void rx_refuse_stranger(struct cache *c, const struct addr *from, struct step *s);
void rx_refuse_stale(struct cache *c, const struct addr *from, struct step *s);
void rx_ignore(struct cache *c, const struct addr *from, const char *why,
	       struct step *s);
/* Why no router, or not the router `p` (may be NULL), can have this id; NULL: it can.
 * Static text. */
const char *rx_id_problem(const struct cache *c, const struct peer *p,
			  const struct addr *id);
void rx_refuse_id(struct cache *c, const struct addr *from, const char *why,
		  struct step *s);
bool rx_is_elsewhere(struct cache *c, const struct peer *p, const struct addr *from,
		     struct step *s);

/* -- rx_belief.c ------------------------------------------------------------------- */

/* What the I_SEE_YOU `m` shows of its age. */
struct freshness_signs rx_signs(const struct cache *c, const struct wccp_msg *m);
/* That a router that works says that we are no member (any more), or that it began
 * anew. */
bool rx_believe_doubtful(struct cache *c, struct peer *p,
			 const struct freshness_signs *x, struct step *s);
/* Is the I_SEE_YOU in s->msg to be believed?  If so, `*proven` says whether that holds
 * for what it says of ourselves, too. */
bool rx_believes(struct cache *c, struct peer *p, const struct addr *from, bool *proven,
		 struct step *s);
/* The same for the REMOVAL_QUERY in s->msg. */
bool rx_believes_query(struct cache *c, struct peer *p, const struct addr *from,
		       struct step *s);

/* -- rx_view.c --------------------------------------------------------------------- */

/* Unless it is `proven` to be new, what it says of ourselves is left out. */
void rx_take_in(struct cache *c, struct peer *p, bool proven, struct step *s);

#endif
