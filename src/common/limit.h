/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The budget of log lines that others can cause: peers, clients, local programs.
 *
 * A line belongs to one of two classes.  A complaint (LIMIT_COMPLAINT) is logged once a
 * minute for each event and subject; a change of state (LIMIT_STATE) of one subject may
 * be logged some forty times in a row, then every three seconds.  Besides, each class
 * has a total, so that a peer gains nothing by inventing senders.  When the total is
 * used up, one line a minute of each event is still logged.
 *
 * Lines that are held back are counted, and limit_take() returns a summary of them: for
 * a state that has come to rest, its last line; for the rest, how many there were.
 * Tables are fixed: whoever invents subjects evicts the oldest ones and costs no memory.
 */
#ifndef WCCPD_COMMON_LIMIT_H
#define WCCPD_COMMON_LIMIT_H

#include "log.h"

enum limit_class { LIMIT_COMPLAINT, LIMIT_STATE, LIMIT_CLASSES };

enum {
	LIMIT_SLOTS = 64,  /* subjects of a class */
	LIMIT_EVENTS = 96, /* the last one stands for all that find no place */
	LIMIT_TEXT = 256,

	LIMIT_PERIOD_MS = 60000, /* of a complaint, and of summaries */
	LIMIT_STATE_BURST = 40,
	LIMIT_STATE_MS = 3000,
	LIMIT_REST_MS = 5000, /* a state that does not change for so long is summed up */

	LIMIT_COMPLAINTS = 100, /* in a row, of all subjects; then ... */
	LIMIT_COMPLAINTS_MS = 3000, /* ... one in this time */
	LIMIT_STATES = 600,
	LIMIT_STATES_MS = 1000,
};

struct limit_line {
	enum limit_class class;
	enum note_level level;
	const char *event; /* static storage */
	struct log_about about;
};

/* Lets through a number of lines in a row and then one in a while.  Zeros are a full
 * one. */
struct limit_bucket {
	struct mono full; /* the time at which it will be full again */
};

struct limit_slot {
	const char *event; /* of the last line; NULL: free */
	enum note_level level;
	char service[32], peer[ADDR_STRLEN], instance[80];
	struct limit_bucket bucket;
	struct mono last;	/* line, logged or not */
	unsigned held;		/* lines since the last one that was logged */
	struct mono held_since; /* the first of them */
	char text[LIMIT_TEXT];	/* of the last of them */
};

/* What slots that were evicted had held back, and lines beyond the total. */
struct limit_event {
	const char *event; /* NULL: free */
	enum note_level level;
	struct limit_bucket reserve;
	unsigned held;
	struct mono held_since;
};

struct limit {
	struct limit_slot slots[LIMIT_CLASSES][LIMIT_SLOTS];
	struct limit_bucket totals[LIMIT_CLASSES];
	struct limit_event events[LIMIT_EVENTS];
	unsigned pending; /* slots and events with lines held back */
};

/* May the line be logged now?  If so *held is how many like it were held back before.
 * If not it is counted, and its text kept for the summary. */
bool limit_pass(struct limit *l, const struct limit_line *line, const char *text,
		struct mono now, unsigned *held);

/* Has anything been held back of which no summary was taken? */
bool limit_is_pending(const struct limit *l);

struct limit_summary {
	const char *event;
	enum note_level level;
	struct log_about about; /* its texts live until the limit is used again */
	char text[LIMIT_TEXT + 64];
};

/* Take the next summary that is due; false: there is none. */
bool limit_take(struct limit *l, struct mono now, struct limit_summary *out);

#endif
