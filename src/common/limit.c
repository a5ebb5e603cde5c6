/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate limit of log lines. */
#include "common/limit.h"

#include <stdio.h>
#include <string.h>

static bool limit_is_about(const struct limit_slot *s, const char *event,
			   const struct addr *peer, const char *service)
{
	return s->event && strcmp(s->event, event) == 0 && addr_equal(&s->peer, peer) &&
	       strncmp(s->service, service, sizeof(s->service) - 1) == 0;
}

/* A free slot, or the one that has been quiet for longest. */
static struct limit_slot *limit_oldest(struct limit *l)
{
	struct limit_slot *found = &l->slots[0];

	for (unsigned i = 0; i < LIMIT_SLOTS; i++) {
		struct limit_slot *s = &l->slots[i];

		if (!s->event)
			return s;
		if (mono_before(s->since, found->since))
			found = s;
	}
	return found;
}

static struct limit_slot *limit_find(struct limit *l, const char *event,
				     const struct addr *peer, const char *service)
{
	for (unsigned i = 0; i < LIMIT_SLOTS; i++)
		if (limit_is_about(&l->slots[i], event, peer, service))
			return &l->slots[i];
	return NULL;
}

bool limit_pass(struct limit *l, const char *event, const struct addr *peer,
		const char *service, struct mono now, unsigned *suppressed)
{
	struct limit_slot *s = limit_find(l, event, peer, service ? service : "");

	*suppressed = 0;
	if (!s) {
		s = limit_oldest(l);
		*s = (struct limit_slot){ .event = event, .peer = *peer, .since = now };
		snprintf(s->service, sizeof(s->service), "%s", service ? service : "");
		return true;
	}
	if (mono_before(now, mono_add_ms(s->since, LIMIT_PERIOD_MS))) {
		s->suppressed++;
		return false;
	}
	*suppressed = s->suppressed;
	s->suppressed = 0;
	s->since = now;
	return true;
}
