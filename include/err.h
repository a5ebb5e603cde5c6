/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reason for a failure, in words.  A function that can fail returns -1 and fills
 * this in; its caller decides whether and where to log it.
 */
#ifndef WCCPD_ERR_H
#define WCCPD_ERR_H

struct err {
	char text[320];
};

/* Format the text; always returns -1, so `return err_set(err, ...)`.  `err` may be
 * NULL.  errno does not change. */
int err_set(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "what: " in front of the text; returns -1. */
int err_prefix(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
