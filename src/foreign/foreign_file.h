/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that others may have made or exchanged.  What a name leads to can change at any
 * time, so it is judged by the open descriptor: only regular files, and never waiting (as
 * opening a FIFO would).
 *
 * On error, `err` says "PATH: why".
 */
#ifndef WCCPD_FOREIGN_FOREIGN_FILE_H
#define WCCPD_FOREIGN_FOREIGN_FILE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* May the last component be a symbolic link? */
enum foreign_links {
	FOREIGN_LINKS_NONE,
	FOREIGN_LINKS_OURS, /* in a folder where only root and we can make some */
};

/* All of it: how many octets, at most `size` (`st` may be NULL); -1 when there are more, or on error. */
ssize_t foreign_file_read(const char *path, enum foreign_links links, void *out,
			  size_t size, struct stat *st, struct err *err);

/* Can other users than root and us read it? */
bool foreign_file_is_public(const struct stat *st);

/* Replace what is in a file of ours, or make it (readable by everybody), with this text. */
int foreign_file_write(const char *path, const char *text, struct err *err);

#endif
