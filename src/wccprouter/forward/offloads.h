/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive offloads (GRO, LRO) of the interfaces that we redirect from, switched off as long
 * as we do.  With merged packets the program could not tell which of them fit towards the
 * web-cache.
 *
 * What was on is noted in a file beside the control socket, so that it is switched on again
 * also when this process is killed and another one ends in order.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_OFFLOADS_H
#define WCCPD_WCCPROUTER_FORWARD_OFFLOADS_H

struct offloads;

/* NULL: out of memory.  `control` is the path of the control socket. */
struct offloads *offloads_open(const char *control);
/* Everything has been restored, or the interface is gone.  NULL is fine. */
void offloads_close(struct offloads *o);

void offloads_switch_off(struct offloads *o, const char *name, unsigned ifindex);
void offloads_restore(struct offloads *o, unsigned ifindex);
/* Restore what an earlier process has switched off, and this one has not. */
void offloads_restore_unused(struct offloads *o);

#endif
