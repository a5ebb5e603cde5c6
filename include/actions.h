/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a state machine wants done: the output side of the core.
 *
 * The glue owns one struct actions, resets it before each step and carries out what is
 * in it afterwards.  Datagrams lie in the buffer ready to send; several SENDs may share
 * one.
 */
#ifndef WCCPD_ACTIONS_H
#define WCCPD_ACTIONS_H

#include "addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum action_kind {
	ACTION_SEND,    /* a datagram for `peer`, port 2048 */
	ACTION_NOTE,    /* something worth a log line */
	ACTION_CHANGED, /* the kernel's desired state may have changed */
};

enum note_level { NOTE_DEBUG, NOTE_INFO, NOTE_WARNING, NOTE_ERROR };

struct action {
	enum action_kind kind;
	struct addr peer; /* SEND: destination.  NOTE: its subject, may be unset */
	size_t offset;    /* SEND: of the datagram in `octets`; NOTE: of the text */
	size_t len;       /* its octets; a text also has a NUL behind it */
	enum note_level level;
	/* NOTE: a short stable word ("auth-failed", "joined").  Static storage. */
	const char *event;
	/* NOTE: log at most once a minute per (event, peer, service). */
	bool rate_limited;
};

/* Octets: room for a HERE_I_AM to each of 32 routers, with all values of a ten-bit
 * mask. */
enum { ACTIONS_MAX = 256, ACTIONS_OCTETS = 1 << 20 };

struct actions {
	unsigned n;
	size_t used;
	unsigned dropped; /* actions that did not fit; the glue logs how many */
	struct action list[ACTIONS_MAX];
	uint8_t octets[ACTIONS_OCTETS];
};

void actions_reset(struct actions *a);
/* Copy a datagram in; returns its offset for actions_send(), or -1. */
long actions_datagram(struct actions *a, const void *octets, size_t len);
void actions_send(struct actions *a, const struct addr *to, long offset, size_t len);
void actions_changed(struct actions *a); /* at most one per step is kept */
void actions_note(struct actions *a, enum note_level level, const char *event,
		  const struct addr *peer, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The same as a warning with a rate limit: for what a peer can cause at will. */
void actions_complain(struct actions *a, const char *event,
		      const struct addr *peer, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static inline const void *action_octets(const struct actions *a, const struct action *x)
{
	return a->octets + x->offset;
}

#endif
