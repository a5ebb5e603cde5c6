/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches nftables' rules of this network namespace for rules that would lose
 * redirected traffic.  Changes nothing.
 */
#ifndef WCCPD_WCCPROUTER_FIREWALL_FIREWALL_H
#define WCCPD_WCCPROUTER_FIREWALL_FIREWALL_H

#include "err.h"
#include "wccprouter/firewall/conntrack_advice.h"

struct firewall;

/* `conf` must outlive it. */
struct firewall *firewall_open(const struct routerd_conf *conf, struct err *err);
void firewall_close(struct firewall *f); /* NULL is fine */

/* Readable when rules have changed; then firewall_have_changed(), and follow soon. */
int firewall_changes_fd(const struct firewall *f);
void firewall_have_changed(struct firewall *f);

/* Compare rules and services, if either has changed since the call before, and log what
 * is wrong when that is new.  `status` has one for each service. */
void firewall_follow(struct firewall *f, const struct router_status *status);

/* What is wrong now. */
const struct conntrack_advice *firewall_advice(const struct firewall *f);

#endif
