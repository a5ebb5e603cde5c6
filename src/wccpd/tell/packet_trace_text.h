/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A traced packet as a line of text.  Pure. */
#ifndef WCCPD_WCCPD_TELL_PACKET_TRACE_TEXT_H
#define WCCPD_WCCPD_TELL_PACKET_TRACE_TEXT_H

#include "dp/plan/traced.h"

#include <stddef.h>
#include <time.h>

enum { PACKET_TRACE_LINE = 512 };

/*
 *   2026-11-28T15:00:00.123Z web-cache 10.3.0.2:4711 > 10.9.1.1:80 S delivered-new web/s1
 *   by gre from 10.3.255.1                                              (all in one line)
 *
 * with its line end; returns its length.  `service` is NULL for packets of none; `at` is
 * the wall clock's time.
 */
size_t packet_trace_text(const struct dp_traced *t, const char *service, const char *reason,
			 struct timespec at, char line[PACKET_TRACE_LINE]);

#endif
