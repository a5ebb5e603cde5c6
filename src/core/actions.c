/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of actions that a state machine asks for, and the buffer for its datagrams
 * and texts.
 */
#include "actions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_TEXT_MAX = 512 };

void actions_reset(struct actions *a)
{
	a->n = 0;
	a->used = 0;
	a->dropped = 0;
}

long actions_datagram(struct actions *a, const void *octets, size_t len)
{
	size_t offset = a->used;

	if (len > sizeof(a->octets) - offset)
		return -1;
	memcpy(a->octets + offset, octets, len);
	a->used += len;
	return (long)offset;
}

/* Keep the last place for CHANGED: the protocol repeats a lost datagram, but nothing
 * would tell the kernel of a lost change. */
static struct action *actions_add(struct actions *a)
{
	if (a->n >= ACTIONS_MAX - 1) {
		a->dropped++;
		return NULL;
	}
	a->list[a->n] = (struct action){ 0 };
	return &a->list[a->n++];
}

void actions_send(struct actions *a, const struct addr *to, long offset, size_t len)
{
	struct action *x;

	if (offset < 0) {
		a->dropped++;
		return;
	}
	x = actions_add(a);
	if (!x)
		return;
	x->kind = ACTION_SEND;
	x->peer = *to;
	x->offset = (size_t)offset;
	x->len = len;
}

void actions_changed(struct actions *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->list[i].kind == ACTION_CHANGED)
			return;
	a->list[a->n] = (struct action){ .kind = ACTION_CHANGED };
	a->n++;
}

static struct action *actions_add_note(struct actions *a, enum note_level level,
				       const char *event, const struct addr *peer,
				       const char *format, va_list args)
{
	char text[NOTE_TEXT_MAX];
	struct action *x;
	long offset;
	int n = vsnprintf(text, sizeof(text), format, args);
	size_t len = n < 0 ? 0 : (size_t)n;

	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	text[len] = '\0';
	offset = actions_datagram(a, text, len + 1);
	if (offset < 0) {
		a->dropped++;
		return NULL;
	}
	x = actions_add(a);
	if (!x)
		return NULL;
	x->kind = ACTION_NOTE;
	x->offset = (size_t)offset;
	x->len = len;
	x->level = level;
	x->event = event;
	if (peer)
		x->peer = *peer;
	return x;
}

void actions_note(struct actions *a, enum note_level level, const char *event,
		  const struct addr *peer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	actions_add_note(a, level, event, peer, format, args);
	va_end(args);
}

void actions_complain(struct actions *a, const char *event, const struct addr *peer,
		      const char *format, ...)
{
	struct action *x;
	va_list args;

	va_start(args, format);
	x = actions_add_note(a, NOTE_WARNING, event, peer, format, args);
	va_end(args);
	if (x)
		x->rate_limited = true;
}
