/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces that are to have our filters, from the configuration. */
#ifndef WCCPD_WCCPROUTER_FORWARD_HOOK_LIST_H
#define WCCPD_WCCPROUTER_FORWARD_HOOK_LIST_H

#include "wccprouter/conf/routerd_conf.h"
#include "wccprouter/forward/tc_hook.h"

/* Names, roles and services of each, one entry per interface; their number.  `out` has
 * ROUTERD_ALL_INTERFACES places and is zero before.  Pure. */
unsigned hook_list_render(const struct routerd_conf *conf, struct tc_hook *out);

#endif
