/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong, in words.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, const char *format, ...)
{
	/* Through a copy: an argument may be err->text itself. */
	struct err fresh;
	int saved = errno;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, format);
	if (vsnprintf(fresh.text, sizeof(fresh.text), format, ap) < 0)
		fresh.text[0] = '\0';
	va_end(ap);
	memcpy(err->text, fresh.text, strlen(fresh.text) + 1);
	errno = saved;
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	struct err what;
	int saved = errno;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, format);
	if (vsnprintf(what.text, sizeof(what.text), format, ap) < 0)
		what.text[0] = '\0';
	va_end(ap);
	errno = saved;
	return err_set(err, "%s: %s", what.text, err->text);
}
