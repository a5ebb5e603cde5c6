/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reminder.h"

enum { MINUTE_MS = 60000 };

bool reminder_due(struct reminder *r, struct mono now)
{
	static const unsigned minutes[] = { 10, 30, 60 };
	unsigned last = sizeof(minutes) / sizeof(minutes[0]) - 1;
	unsigned i = r->said < last ? r->said : last;

	if (r->said > 0 && !mono_due(r->next, now))
		return false;
	r->said++;
	r->next = mono_add_ms(now, (int64_t)minutes[i] * MINUTE_MS);
	return true;
}

void reminder_reset(struct reminder *r)
{
	*r = (struct reminder){ .said = 0 };
}
