/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process has a UDP port that we cannot bind: looks in proc(5), like ss(8). */
#include "common/udp_owner.h"

#include "foreign/process_sockets.h"

#include <stdio.h>
#include <string.h>

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

struct udp_owner_search {
	unsigned long inode;
	pid_t pid; /* 0: not found */
};

static bool udp_owner_look(void *arg, pid_t pid, int fd, uint64_t inode)
{
	struct udp_owner_search *s = arg;

	(void)fd;
	if (inode == s->inode)
		s->pid = pid;
	return !s->pid;
}

static int udp_owner_pid(unsigned long inode)
{
	struct udp_owner_search s = { .inode = inode };

	process_sockets_of_all(udp_owner_look, &s);
	return s.pid;
}

static struct {
	unsigned long inode;
	struct udp_owner owner;
} noted;

static unsigned long udp_owner_inode_of(unsigned port)
{
	unsigned long inode = udp_owner_inode("/proc/self/net/udp", port);

	return inode ? inode : udp_owner_inode("/proc/self/net/udp6", port);
}

void udp_owner_note(unsigned port)
{
	noted.inode = udp_owner_inode_of(port);
	udp_owner_find(port, &noted.owner);
}

bool udp_owner_find(unsigned port, struct udp_owner *out)
{
	unsigned long inode = udp_owner_inode_of(port);
	char path[64];
	FILE *f;

	*out = (struct udp_owner){ .pid = 0 };
	out->pid = inode ? udp_owner_pid(inode) : 0;
	if (!out->pid && inode && inode == noted.inode)
		*out = noted.owner;
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
