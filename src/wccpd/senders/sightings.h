/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to log that something unknown was seen again: once it has lasted for a moment,
 * then at growing intervals, for each key; and at most a few lines a minute for all
 * keys together, as senders can be forged.  Pure.
 */
#ifndef WCCPD_WCCPD_SENDERS_SIGHTINGS_H
#define WCCPD_WCCPD_SENDERS_SIGHTINGS_H

#include "mono.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	SIGHTINGS_MAX = 64,
	SIGHTINGS_PATIENCE_MS = 3000, /* it may become known meanwhile */
	SIGHTINGS_PAUSE_MS = 60000,   /* doubled after each line ... */
	SIGHTINGS_PAUSE_MAX_MS = 3600000,
	SIGHTINGS_FORGET_MS = 2 * SIGHTINGS_PAUSE_MAX_MS,
	SIGHTINGS_LINES = 10, /* a minute */
};

struct sighting {
	uint64_t key;
	uint64_t packets; /* since the last line */
	struct mono last, due;
	int64_t pause_ms; /* after the next line */
};

struct sightings {
	unsigned n;
	struct sighting list[SIGHTINGS_MAX];
	struct mono minute; /* since when `lines` counts */
	unsigned lines;
};

/* Count `packets` of `key`.  True if a line is due; then *since_last is how many there
 * were since the last line. */
bool sightings_add(struct sightings *s, uint64_t key, uint64_t packets, struct mono now,
		   uint64_t *since_last);

#endif
