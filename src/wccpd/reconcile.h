/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reconciliation: compares the kernel with what configuration, routers and instances
 * require, and changes what differs; then announces or withdraws the services.  It runs
 * when one of these changes (replan_soon()), when the kernel reports a change of links,
 * addresses, routes, rules or neighbours, and every few seconds in case something else
 * was changed.
 */
#ifndef WCCPD_WCCPD_RECONCILE_H
#define WCCPD_WCCPD_RECONCILE_H

#include "err.h"

struct daemon;

/* Needs d->base.  On failure reconcile_close() frees what was made. */
int reconcile_open(struct daemon *d, struct err *err);
void reconcile_close(struct daemon *d);

#endif
