/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The faults in force, and the datagrams that they delay. */
#ifndef WCCPD_WCCPROUTER_FAULT_FAULTS_H
#define WCCPD_WCCPROUTER_FAULT_FAULTS_H

#include "mono.h"
#include "wccprouter/fault/fault.h"

#include <event2/event.h>
#include <jansson.h>

struct faults;

/* Datagrams delayed at a time; any more are lost. */
enum { FAULTS_HELD_MAX = 1024, FAULTS_CONTEXT_MAX = 128 };

/* NULL only when memory is short.  No fault is in force. */
struct faults *faults_new(struct event_base *base);
/* Delayed datagrams are lost. */
void faults_free(struct faults *f); /* NULL is fine */

/* Is any fault in force? */
bool faults_any(const struct faults *f);

/* Called for a datagram that goes on: its context, and its octets as they are now. */
typedef void faults_go(void *arg, struct mono now, const void *context,
		       const void *octets, size_t len);

/*
 * Apply the faults.  Calls go() for every copy that is not lost, with a copy of the
 * `context_len` octets of context: before this returns, or later from the event loop.
 */
void faults_pass(struct faults *f, struct mono now, const struct fault_about *about,
		 const void *octets, size_t len, faults_go *go, void *arg,
		 const void *context, size_t context_len);

/* "loss 30% in" as one text. */
int faults_add(struct faults *f, const char *text, struct err *err);

/* The command: nothing or "list", "clear [NUMBER]", "seed NUMBER", or a new one. */
json_t *faults_command(struct faults *f, unsigned n, char *const *words);

#endif
