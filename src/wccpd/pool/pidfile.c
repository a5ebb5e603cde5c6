/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pid file says, and whether a process descends from it. */
#include "wccpd/pool/pidfile.h"

#include "foreign/foreign_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIDFILE_DEPTH = 16, /* of a process tree; ends a search in a changing one */
	PIDFILE_SIZE = 64,
};

bool pidfile_is_alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

/* Is this user one that the process runs as, or started as? */
static bool pidfile_is_of_user(pid_t pid, uid_t user)
{
	unsigned real, effective, saved;
	char path[64], line[128];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "Uid: %u %u %u", &real, &effective, &saved) == 3;
	if (f)
		fclose(f);
	return found && (user == real || user == effective || user == saved);
}

pid_t pidfile_read(const char *path, struct err *why)
{
	char text[PIDFILE_SIZE + 1];
	struct stat st;
	ssize_t n = foreign_file_read(path, FOREIGN_LINKS_NONE, text, PIDFILE_SIZE, &st, why);
	int pid = 0;

	if (n < 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%d", &pid) != 1 || pid <= 0) {
		err_set(why, "%s: names no process", path);
		return 0;
	}
	/* Who may write into the file must not choose other users' processes. */
	if (st.st_uid != 0 && st.st_uid != geteuid() && pidfile_is_alive(pid) &&
	    !pidfile_is_of_user(pid, st.st_uid)) {
		err_set(why, "%s: belongs to user %u, process %d, which it names, does not",
			path, (unsigned)st.st_uid, pid);
		return 0;
	}
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
	struct err why;
	pid_t master = pidfile_read(path, &why);

	for (int depth = 0; master > 0 && pid > 0 && depth < PIDFILE_DEPTH; depth++) {
		if (pid == master)
			return true;
		pid = pidfile_parent_of(pid);
	}
	return false;
}
