/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A point on the monotonic clock.  A struct, so that it cannot be mixed up with
 * a duration (always an int64_t number of milliseconds here) or with wall time.
 * Nothing in this header reads a clock: the glue does, once per callback.
 */
#ifndef WCCPD_MONO_H
#define WCCPD_MONO_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
	int64_t ns;
};

#define MONO_NEVER ((struct mono){ INT64_MAX })

static inline struct mono mono_add_ms(struct mono t, int64_t ms)
{
	if (t.ns == INT64_MAX)
		return t;
	return (struct mono){ t.ns + ms * 1000000 };
}

static inline bool mono_is_never(struct mono t)
{
	return t.ns == INT64_MAX;
}

/* Has `deadline` come at `now`? */
static inline bool mono_due(struct mono deadline, struct mono now)
{
	return deadline.ns <= now.ns;
}

static inline bool mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

static inline struct mono mono_min(struct mono a, struct mono b)
{
	return a.ns < b.ns ? a : b;
}

/* Milliseconds from `from` to `to`, rounded down. */
static inline int64_t mono_ms_between(struct mono from, struct mono to)
{
	return (to.ns - from.ns) / 1000000;
}

#endif
