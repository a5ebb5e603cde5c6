/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process has a UDP port that we cannot bind: looks in proc(5), like ss(8). */
#include "common/udp_owner.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The inode of a socket on the port in one of the tables of /proc/net; 0: none. */
static unsigned long udp_owner_inode(const char *table, unsigned port)
{
	FILE *f = fopen(table, "re");
	unsigned long inode = 0, found = 0;
	unsigned local;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f))
		/* sl local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode */
		if (sscanf(line,
			   "%*[ 0-9]: %*[0-9A-F]:%x %*s %*s %*s %*s %*s %*s %*s %lu",
			   &local, &inode) == 2 &&
		    local == port)
			found = inode;
	if (f)
		fclose(f);
	return found;
}

static bool udp_owner_has(const char *fds, unsigned long inode)
{
	char wanted[32], link[32];
	DIR *dir = opendir(fds);
	struct dirent *entry;
	bool has = false;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	while (dir && !has && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link,
				       sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		has = strcmp(link, wanted) == 0;
	}
	if (dir)
		closedir(dir);
	return has;
}

static int udp_owner_pid(unsigned long inode)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);
		char fds[64];

		snprintf(fds, sizeof(fds), "/proc/%d/fd", pid);
		if (pid > 0 && udp_owner_has(fds, inode))
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

bool udp_owner_find(unsigned port, struct udp_owner *out)
{
	unsigned long inode = udp_owner_inode("/proc/self/net/udp", port);
	char path[64];
	FILE *f;

	*out = (struct udp_owner){ .pid = 0 };
	if (!inode)
		inode = udp_owner_inode("/proc/self/net/udp6", port);
	out->pid = inode ? udp_owner_pid(inode) : 0;
	if (!out->pid)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", out->pid);
	f = fopen(path, "re");
	if (f && fgets(out->name, sizeof(out->name), f))
		out->name[strcspn(out->name, "\n")] = '\0';
	if (f)
		fclose(f);
	return true;
}
