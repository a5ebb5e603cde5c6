/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/pool/process_age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Field 22 of /proc/PID/stat: clock ticks from the boot to its start; -1: not known.  The
 * second field may contain anything, so they are counted from its end. */
static long long process_age_start(pid_t pid)
{
	char path[64], text[1024];
	const char *at;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? atoll(at) : -1;
}

int64_t process_age_ms(pid_t pid)
{
	long long start = process_age_start(pid);
	struct timespec now;

	if (start < 0 || clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return -1;
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000 -
	       start * 1000 / sysconf(_SC_CLK_TCK);
}
