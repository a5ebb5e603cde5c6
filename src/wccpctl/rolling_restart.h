/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restarts the instances of a pool one after the other, so that the others always serve:
 *
 *   drain ─> wait until it has no connections ─> run the command ─> wait until it is well
 *         ─> enable ─> wait until it is up ─> the next
 *
 * Stops at the first that does not come back, so that one bad configuration cannot take
 * down a whole pool.
 */
#ifndef WCCPD_WCCPCTL_ROLLING_RESTART_H
#define WCCPD_WCCPCTL_ROLLING_RESTART_H

struct rolling_restart {
	const char *socket; /* of wccpd */
	const char *pool;
	int seconds;	    /* for connections to end, and again to come back */
	/* Words of the command, ended by NULL; "{}" in them is the name of the instance. */
	char *const *command;
};

/* Returns 0 when all are back, else -1 after saying on stderr what happened. */
int rolling_restart_run(const struct rolling_restart *r);

#endif
