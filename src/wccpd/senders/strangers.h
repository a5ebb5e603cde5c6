/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs unknown senders of packets that look redirected. */
#ifndef WCCPD_WCCPD_SENDERS_STRANGERS_H
#define WCCPD_WCCPD_SENDERS_STRANGERS_H

#include "dp/dp.h"
#include "dp/gre/gre_raw.h"
#include "mono.h"
#include "wccpd/conf/conf.h"
#include "wccpd/senders/sightings.h"

/* Nothing of it is owned. */
struct strangers {
	struct conf *const *conf; /* the one in force */
	const struct plan *plan;  /* the newest one */
	struct dp *dp;
	struct sightings sightings;
};

/* A GRE packet that the ingress program did not take, whole as it came. */
void strangers_take_gre(struct strangers *s, const struct gre_raw_packet *p,
			struct mono now);

/* Look at what the ingress program has noted since the last call. */
void strangers_look(struct strangers *s, struct mono now);
/* Who has sent within the last minute and is not taken; texts live as long as the call. */
void strangers_list(const struct strangers *s, struct mono now,
		    void (*found)(void *arg, const char *who, const char *text), void *arg);

#endif
