/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/senders/sightings.h"

#include <stddef.h>

static struct sighting *sightings_find(struct sightings *s, uint64_t key)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->list[i].key == key)
			return &s->list[i];
	return NULL;
}

/* A free place, or the one that has not been seen for the longest time. */
static struct sighting *sightings_make_room(struct sightings *s)
{
	struct sighting *oldest = &s->list[0];

	if (s->n < SIGHTINGS_MAX)
		return &s->list[s->n++];
	for (unsigned i = 1; i < s->n; i++)
		if (mono_before(s->list[i].last, oldest->last))
			oldest = &s->list[i];
	return oldest;
}

static struct sighting *sightings_note(struct sightings *s, uint64_t key,
				       struct mono now)
{
	struct sighting *x = sightings_find(s, key);
	bool is_new = !x;

	if (!x)
		x = sightings_make_room(s);
	if (is_new || mono_due(mono_add_ms(x->last, SIGHTINGS_FORGET_MS), now))
		*x = (struct sighting){
			.key = key,
			.due = mono_add_ms(now, SIGHTINGS_PATIENCE_MS),
			.pause_ms = SIGHTINGS_PAUSE_MS,
		};
	x->last = now;
	return x;
}

static bool sightings_has_line_left(struct sightings *s, struct mono now)
{
	if (s->lines == 0 || mono_due(mono_add_ms(s->minute, 60000), now)) {
		s->minute = now;
		s->lines = 0;
	}
	return s->lines < SIGHTINGS_LINES;
}

bool sightings_add(struct sightings *s, uint64_t key, uint64_t packets, struct mono now,
		   uint64_t *since_last)
{
	struct sighting *x = sightings_note(s, key, now);

	x->packets += packets;
	if (!mono_due(x->due, now) || !sightings_has_line_left(s, now))
		return false;
	s->lines++;
	*since_last = x->packets;
	x->packets = 0;
	x->due = mono_add_ms(now, x->pause_ms);
	x->pause_ms = x->pause_ms < SIGHTINGS_PAUSE_MAX_MS / 2 ? 2 * x->pause_ms
							       : SIGHTINGS_PAUSE_MAX_MS;
	return true;
}
