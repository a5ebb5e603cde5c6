/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folder fd of a process belongs to its user; root without CAP_DAC_READ_SEARCH may not
 * look into that of another user.  The folder fdinfo can be read by whoever may trace the
 * process (Linux 5.14), and says the inode, too; it takes longer.
 */
#include "foreign/process_sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Did we run out of descriptors?  If not, the process has ended, or we may not look at
 * it. */
static bool process_is_our_fault(void)
{
	return errno == EMFILE || errno == ENFILE || errno == ENOMEM;
}

static uint64_t process_inode_by_link(int folder, const char *name)
{
	char link[64];
	unsigned long long inode;
	ssize_t n = readlinkat(folder, name, link, sizeof(link) - 1);

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

struct process_info {
	int mount;
	unsigned long long inode;
};

static bool process_read_info(int folder, const char *name, struct process_info *out)
{
	char text[512];
	const char *at;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strstr(text, "\nmnt_id:");
	return at && sscanf(at, "\nmnt_id: %d\nino: %llu", &out->mount, &out->inode) == 2;
}

/* The mount that all sockets are on, and nothing else: a file may have the same inode number
 * as a socket.  -1: not known. */
static int process_mount_of_sockets(void)
{
	static int mount = -1;
	int fd = mount < 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	struct process_info info;
	char path[64];

	if (fd < 0)
		return mount;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (process_read_info(AT_FDCWD, path, &info))
		mount = info.mount;
	close(fd);
	return mount;
}

static uint64_t process_inode_by_info(int folder, const char *name)
{
	struct process_info info;

	if (process_read_info(folder, name, &info) &&
	    info.mount == process_mount_of_sockets())
		return info.inode;
	return 0;
}

static DIR *process_open(pid_t pid, const char *folder)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, folder);
	return opendir(path);
}

/* 0, 1 when `seen` has ended the search, -1. */
static int process_look_at(pid_t pid, process_socket_seen *seen, void *arg)
{
	uint64_t (*inode_of)(int folder, const char *name) = process_inode_by_link;
	DIR *dir = process_open(pid, "fd");
	const struct dirent *entry;
	bool more = true;

	if (!dir && errno == EACCES) {
		inode_of = process_inode_by_info;
		dir = process_open(pid, "fdinfo");
	}
	if (!dir)
		return process_is_our_fault() ? -1 : 0;
	while (more && (entry = readdir(dir))) {
		uint64_t inode = inode_of(dirfd(dir), entry->d_name);

		if (inode)
			more = seen(arg, pid, atoi(entry->d_name), inode);
	}
	closedir(dir);
	return more ? 0 : 1;
}

int process_sockets(pid_t pid, process_socket_seen *seen, void *arg)
{
	return process_look_at(pid, seen, arg) < 0 ? -1 : 0;
}

int process_sockets_of_all(process_socket_seen *seen, void *arg)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	int rc = 0;

	if (!dir)
		return -1;
	while (rc == 0 && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0)
			rc = process_look_at(pid, seen, arg);
	}
	closedir(dir);
	return rc < 0 ? -1 : 0;
}
