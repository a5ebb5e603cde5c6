/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "foreign/foreign_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* NULL: it is a regular file. */
static const char *foreign_file_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFLNK:
		return "a symbolic link";
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static int foreign_file_refuse(const char *path, mode_t mode, struct err *err)
{
	return err_set(err, "%s: is %s, not a regular file", path, foreign_file_kind(mode));
}

static int foreign_file_fail(const char *path, struct err *err)
{
	return err_set(err, "%s: %s", path, strerror(errno));
}

/* Can only root and we make links in the folder of that file? */
static bool foreign_file_folder_is_ours(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat st;
	int len = !slash ? 0 : slash == path ? 1 : (int)(slash - path);

	snprintf(folder, sizeof(folder), "%.*s", len, path);
	return stat(slash ? folder : ".", &st) == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)) &&
	       (st.st_uid == 0 || st.st_uid == geteuid());
}

/* To open a device can already have an effect, so look first. */
static int foreign_file_open(const char *path, enum foreign_links links, int flags,
			     struct stat *st, struct err *err)
{
	int no_follow = O_NOFOLLOW, fd, rc = lstat(path, st);

	if (rc == 0 && S_ISLNK(st->st_mode) && links == FOREIGN_LINKS_OURS &&
	    foreign_file_folder_is_ours(path)) {
		no_follow = 0;
		rc = stat(path, st);
	}
	if (rc == 0 && foreign_file_kind(st->st_mode))
		return foreign_file_refuse(path, st->st_mode, err);
	if (rc < 0 && !(flags & O_CREAT && errno == ENOENT))
		return foreign_file_fail(path, err);
	fd = open(path, flags | no_follow | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
	if (fd < 0)
		return foreign_file_fail(path, err);
	if (fstat(fd, st) < 0)
		foreign_file_fail(path, err);
	else if (foreign_file_kind(st->st_mode))
		foreign_file_refuse(path, st->st_mode, err);
	else
		return fd;
	close(fd);
	return -1;
}

ssize_t foreign_file_read(const char *path, enum foreign_links links, void *out,
			  size_t size, struct stat *st, struct err *err)
{
	struct stat own;
	int fd = foreign_file_open(path, links, O_RDONLY, st ? st : &own, err);
	size_t got = 0;
	ssize_t n = 0;
	char more;

	if (fd < 0)
		return -1;
	while (got < size && (n = read(fd, (char *)out + got, size - got)) > 0)
		got += (size_t)n;
	if (got == size)
		n = read(fd, &more, 1);
	if (n < 0)
		foreign_file_fail(path, err);
	else if (n > 0)
		err_set(err, "%s: larger than %zu octets", path, size);
	close(fd);
	return n == 0 ? (ssize_t)got : -1;
}

bool foreign_file_is_public(const struct stat *st)
{
	return st->st_mode & S_IROTH;
}

/* Somebody who could write into the folder may have put it there, to change it later, or
 * under another name as well. */
static int foreign_file_check_ours(const char *path, const struct stat *st, struct err *err)
{
	if (st->st_uid != geteuid())
		return err_set(err, "%s: belongs to user %u", path, (unsigned)st->st_uid);
	if (st->st_nlink > 1)
		return err_set(err, "%s: has another name, too (a hard link)", path);
	return 0;
}

int foreign_file_write(const char *path, const char *text, struct err *err)
{
	struct stat st;
	int fd = foreign_file_open(path, FOREIGN_LINKS_NONE, O_WRONLY | O_CREAT, &st,
				   err);
	int rc;

	if (fd < 0)
		return -1;
	rc = foreign_file_check_ours(path, &st, err);
	if (rc == 0 && (ftruncate(fd, 0) < 0 ||
			write(fd, text, strlen(text)) != (ssize_t)strlen(text)))
		rc = foreign_file_fail(path, err);
	close(fd);
	return rc;
}
