/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong, in words.  A function that can fail returns -1 and fills
 * this; its caller decides whether and where to log it.
 */
#ifndef WCCPD_ERR_H
#define WCCPD_ERR_H

struct err {
	char text[320];
};

/* Format the text; always returns -1, so `return err_set(err, ...)`.
 * `err` may be NULL.  errno is left as it was. */
int err_set(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "what: " before the text that is there; returns -1. */
int err_prefix(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
