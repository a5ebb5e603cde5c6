/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an earlier process has left in force, while this one does not know better: a
 * router counts as before until it has been heard, for three times its time between
 * messages at most, and an instance until it has been looked at once.
 */
#ifndef WCCPD_WCCPD_EARLIER_H
#define WCCPD_WCCPD_EARLIER_H

#include <stdbool.h>

struct daemon;
struct plan;
struct pool;
struct service;

/* At the start: say what there is. */
void earlier_begin(struct daemon *d);

/* The plan in force before, or NULL if its time is over. */
const struct plan *earlier_plan(const struct daemon *d);

/* Take over what `d->plan` would take away too early. */
void earlier_keep_instances(struct daemon *d);

/*
 * Something of another layout is in force: it can be replaced only as a whole.  Is it too
 * early for that?
 */
bool earlier_waits(struct daemon *d);

/* Is it too early to tell routers how strong a pool is?  They were told by the process
 * before. */
bool earlier_is_too_early(const struct daemon *d, const struct service *s);

#endif
