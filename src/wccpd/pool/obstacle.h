/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why an instance that should be there has no listener that counts. */
#ifndef WCCPD_WCCPD_POOL_OBSTACLE_H
#define WCCPD_WCCPD_POOL_OBSTACLE_H

#include "err.h"
#include "wccpd/conf/conf.h"
#include "wccpd/pool/listeners.h"

/* Can connections be given to this listener of the instance?  If not, *why says so.  One
 * that cannot be inspected counts as usable: the data plane will tell. */
bool obstacle_is_usable(const struct conf_instance *conf, const struct listener *l,
			struct err *why);
/* Is it at the address where the instance has to listen? */
bool obstacle_is_in_place(const struct conf_instance *conf, const struct listener *l);
/* The best reason why none of an instance's listeners in `all` counts.  Returns whether
 * it says more than that nothing listens. */
bool obstacle_explain(const struct conf_instance *conf, const struct listeners *all,
		      struct err *why);

#endif
