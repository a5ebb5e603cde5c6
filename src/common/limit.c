/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The budget of log lines. */
#include "common/limit.h"

#include <stdio.h>
#include <string.h>

static const struct limit_rate {
	unsigned burst, period_ms;
} limit_of_subject[LIMIT_CLASSES] = {
	[LIMIT_COMPLAINT] = { 1, LIMIT_PERIOD_MS },
	[LIMIT_STATE] = { LIMIT_STATE_BURST, LIMIT_STATE_MS },
}, limit_of_class[LIMIT_CLASSES] = {
	[LIMIT_COMPLAINT] = { LIMIT_COMPLAINTS, LIMIT_COMPLAINTS_MS },
	[LIMIT_STATE] = { LIMIT_STATES, LIMIT_STATES_MS },
}, limit_of_event = { 1, LIMIT_PERIOD_MS };

static bool limit_take_token(struct limit_bucket *b, const struct limit_rate *rate,
			     struct mono now)
{
	struct mono full = mono_before(b->full, now) ? now : b->full;

	full = mono_add_ms(full, rate->period_ms);
	if (mono_before(mono_add_ms(now, (int64_t)rate->burst * rate->period_ms), full))
		return false;
	b->full = full;
	return true;
}

/* -- what was held back ------------------------------------------------------------ */

static void limit_count(struct limit *l, unsigned *held, struct mono *since, unsigned n,
			struct mono now)
{
	if (!n)
		return;
	if (!*held) {
		*since = now;
		l->pending++;
	}
	*held += n;
}

static unsigned limit_forget(struct limit *l, unsigned *held)
{
	unsigned n = *held;

	l->pending -= n > 0;
	*held = 0;
	return n;
}

bool limit_is_pending(const struct limit *l)
{
	return l->pending > 0;
}

/* -- events ------------------------------------------------------------------------ */

static struct limit_event *limit_event(struct limit *l, const char *event,
				       enum note_level level)
{
	unsigned i = 0;

	while (i < LIMIT_EVENTS - 1 && l->events[i].event &&
	       strcmp(l->events[i].event, event) != 0)
		i++;
	if (!l->events[i].event) {
		l->events[i].event = i < LIMIT_EVENTS - 1 ? event : "others";
		l->events[i].level = level;
	}
	return &l->events[i];
}

/* -- subjects ---------------------------------------------------------------------- */

static bool limit_is_text(const char *kept, size_t size, const char *text)
{
	return strncmp(kept, text ? text : "", size - 1) == 0;
}

/* Changes of state are counted for a subject, whatever they are; complaints for each
 * event. */
static bool limit_is_about(const struct limit_slot *s, const struct limit_line *line)
{
	return s->event &&
	       (line->class == LIMIT_STATE || strcmp(s->event, line->event) == 0) &&
	       limit_is_text(s->service, sizeof(s->service), line->about.service) &&
	       limit_is_text(s->peer, sizeof(s->peer), line->about.peer) &&
	       limit_is_text(s->instance, sizeof(s->instance), line->about.instance);
}

/* A free slot, or the one that has been quiet for longest. */
static struct limit_slot *limit_oldest(struct limit_slot *slots)
{
	struct limit_slot *found = &slots[0];

	for (unsigned i = 0; i < LIMIT_SLOTS; i++) {
		struct limit_slot *s = &slots[i];

		if (!s->event)
			return s;
		if (mono_before(s->last, found->last))
			found = s;
	}
	return found;
}

static void limit_copy(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static struct limit_slot *limit_new_slot(struct limit *l, const struct limit_line *line,
					 struct mono now)
{
	struct limit_slot *s = limit_oldest(l->slots[line->class]);

	if (s->event && s->held) {
		struct limit_event *e = limit_event(l, s->event, s->level);

		limit_count(l, &e->held, &e->held_since, limit_forget(l, &s->held), now);
	}
	*s = (struct limit_slot){ .event = line->event };
	limit_copy(s->service, sizeof(s->service), line->about.service);
	limit_copy(s->peer, sizeof(s->peer), line->about.peer);
	limit_copy(s->instance, sizeof(s->instance), line->about.instance);
	return s;
}

static struct limit_slot *limit_slot(struct limit *l, const struct limit_line *line,
				     struct mono now)
{
	for (unsigned i = 0; i < LIMIT_SLOTS; i++)
		if (limit_is_about(&l->slots[line->class][i], line))
			return &l->slots[line->class][i];
	return limit_new_slot(l, line, now);
}

/* Within the total of its class, or the first of its event in this minute. */
static bool limit_has_room(struct limit *l, enum limit_class class, const char *event,
			   enum note_level level, struct mono now)
{
	bool first = limit_take_token(&limit_event(l, event, level)->reserve,
				      &limit_of_event, now);

	return limit_take_token(&l->totals[class], &limit_of_class[class], now) || first;
}

bool limit_pass(struct limit *l, const struct limit_line *line, const char *text,
		struct mono now, unsigned *held)
{
	struct limit_slot *s = limit_slot(l, line, now);

	s->last = now;
	s->event = line->event;
	s->level = line->level;
	if (limit_take_token(&s->bucket, &limit_of_subject[line->class], now) &&
	    limit_has_room(l, line->class, line->event, line->level, now)) {
		*held = limit_forget(l, &s->held);
		return true;
	}
	limit_count(l, &s->held, &s->held_since, 1, now);
	limit_copy(s->text, sizeof(s->text), text);
	return false;
}

/* -- summaries --------------------------------------------------------------------- */

static const char *limit_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static bool limit_slot_is_due(const struct limit_slot *s, enum limit_class class,
			      struct mono now)
{
	if (!s->event || !s->held)
		return false;
	return mono_due(mono_add_ms(s->held_since, LIMIT_PERIOD_MS), now) ||
	       (class == LIMIT_STATE &&
		mono_due(mono_add_ms(s->last, LIMIT_REST_MS), now));
}

static void limit_sum_up_slot(struct limit *l, struct limit_slot *s,
			      struct limit_summary *out)
{
	unsigned n = limit_forget(l, &s->held);

	*out = (struct limit_summary){
		.event = s->event,
		.level = s->level,
		.about = { limit_or_null(s->service), limit_or_null(s->peer),
			   limit_or_null(s->instance) },
	};
	if (n == 1)
		snprintf(out->text, sizeof(out->text), "%s", s->text);
	else
		snprintf(out->text, sizeof(out->text), "%s (and %u more like it)",
			 s->text, n - 1);
}

/* A subject whose summary would go beyond the total is counted with the others of its
 * event. */
static bool limit_take_slot(struct limit *l, enum limit_class class, struct mono now,
			    struct limit_summary *out)
{
	for (unsigned i = 0; i < LIMIT_SLOTS; i++) {
		struct limit_slot *s = &l->slots[class][i];
		struct limit_event *e;

		if (!limit_slot_is_due(s, class, now))
			continue;
		if (limit_has_room(l, class, s->event, s->level, now)) {
			limit_sum_up_slot(l, s, out);
			return true;
		}
		e = limit_event(l, s->event, s->level);
		limit_count(l, &e->held, &e->held_since, limit_forget(l, &s->held), now);
	}
	return false;
}

static bool limit_take_event(struct limit *l, struct mono now, struct limit_summary *out)
{
	for (unsigned i = 0; i < LIMIT_EVENTS; i++) {
		struct limit_event *e = &l->events[i];

		if (!e->held ||
		    !mono_due(mono_add_ms(e->held_since, LIMIT_PERIOD_MS), now))
			continue;
		*out = (struct limit_summary){ .event = e->event, .level = e->level };
		snprintf(out->text, sizeof(out->text),
			 "%u more lines like this were not logged",
			 limit_forget(l, &e->held));
		return true;
	}
	return false;
}

bool limit_take(struct limit *l, struct mono now, struct limit_summary *out)
{
	return l->pending && (limit_take_slot(l, LIMIT_STATE, now, out) ||
			      limit_take_slot(l, LIMIT_COMPLAINT, now, out) ||
			      limit_take_event(l, now, out));
}
