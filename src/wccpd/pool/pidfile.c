/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pid file says, and whether a process descends from it. */
#include "wccpd/pool/pidfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIDFILE_DEPTH = 16, /* of a process tree; ends a search in a changing one */
	PIDFILE_SIZE = 32,  /* what follows the number is not read */
};

pid_t pidfile_read(const char *path)
{
	/* It belongs to the proxy, which could replace it by anything: a FIFO without a
	 * writer must not block the daemon. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), pid = 0;
	char text[PIDFILE_SIZE] = "";
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%d", &pid) != 1 ||
	    pid < 0)
		pid = 0;
	close(fd);
	return pid;
}

static pid_t pidfile_parent_of(pid_t pid)
{
	char path[64], line[512];
	const char *after_name;
	int parent = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = '\0';
	/* The name is in parentheses and may itself contain some. */
	after_name = strrchr(line, ')');
	if (!after_name || sscanf(after_name + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

bool pidfile_covers(const char *path, pid_t pid)
{
	pid_t master = pidfile_read(path);

	for (int depth = 0; master > 0 && pid > 0 && depth < PIDFILE_DEPTH; depth++) {
		if (pid == master)
			return true;
		pid = pidfile_parent_of(pid);
	}
	return false;
}
