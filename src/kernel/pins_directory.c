/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pins_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PINS_BPF_ROOT "/sys/fs/bpf"

int pins_directory_default(const char *name, char *out, size_t size)
{
	struct stat here;

	/* One file system is shared by all network namespaces. */
	if (stat("/proc/self/ns/net", &here) < 0)
		here.st_ino = 0;
	return snprintf(out, size, PINS_BPF_ROOT "/%s-%ju", name,
			(uintmax_t)here.st_ino) < (int)size
		       ? 0
		       : -1;
}

static bool pins_directory_is_bpf(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

void pins_directory_mount(void)
{
	if (!pins_directory_is_bpf(PINS_BPF_ROOT))
		mount("bpf", PINS_BPF_ROOT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		      "mode=0700");
}

/* The directory that `path` lies in must be of a BPF file system. */
static int pins_directory_prepare(const char *path, struct err *err)
{
	char parent[PINS_PATH_MAX];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return err_set(err, "%s is not in a BPF file system", path);
	*slash = '\0';
	if (pins_directory_is_bpf(parent))
		return 0;
	return err_set(err, "there is no BPF file system on %s", parent);
}

/* A process that stops removes the directory while it still has the lock. */
static bool pins_directory_is_at(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int pins_directory_make(const char *path, struct err *err)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, "%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	if (pins_directory_is_bpf(path))
		return fd;
	close(fd);
	return err_set(err, "%s is not in a BPF file system", path);
}

enum pins_directory_result pins_directory_open(const char *path, int *fd, struct err *err)
{
	if (pins_directory_prepare(path, err) < 0)
		return PINS_DIRECTORY_NONE;
	for (;;) {
		*fd = pins_directory_make(path, err);
		if (*fd < 0)
			return PINS_DIRECTORY_NONE;
		if (flock(*fd, LOCK_EX | LOCK_NB) < 0)
			return PINS_DIRECTORY_LOCKED;
		if (pins_directory_is_at(*fd, path))
			return PINS_DIRECTORY_OPEN;
		close(*fd);
	}
}

/* -- what is in it ------------------------------------------------------------------- */

static void pins_directory_each(int fd, bool (*seen)(void *arg, const char *name),
				void *arg)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again < 0 ? NULL : fdopendir(again);
	const struct dirent *e;

	if (!d) {
		if (again >= 0)
			close(again);
		return;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    !seen(arg, e->d_name))
			break;
	closedir(d);
}

struct pins_directory_look {
	int fd;
	const char *but;
	bool empty, removed;
	bool (*keep)(void *arg, const char *name);
	void *arg;
};

static bool pins_directory_see(void *arg, const char *name)
{
	struct pins_directory_look *l = arg;

	l->empty &= l->but && strcmp(name, l->but) == 0;
	return l->empty;
}

bool pins_directory_is_empty(int fd, const char *but)
{
	struct pins_directory_look l = { .but = but, .empty = true };

	pins_directory_each(fd, pins_directory_see, &l);
	return l.empty;
}

static bool pins_directory_remove(void *arg, const char *name)
{
	struct pins_directory_look *l = arg;

	if (!l->keep || !l->keep(l->arg, name))
		l->removed |= unlinkat(l->fd, name, 0) == 0;
	return true;
}

void pins_directory_clear(int fd, bool (*keep)(void *arg, const char *name), void *arg)
{
	struct pins_directory_look l = { .fd = fd, .keep = keep, .arg = arg };

	do { /* entries that move while others are removed may be missed */
		l.removed = false;
		pins_directory_each(fd, pins_directory_remove, &l);
	} while (l.removed);
}
