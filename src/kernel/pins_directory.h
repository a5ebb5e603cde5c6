/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of a daemon's pins in a BPF file system, of which it is the only user:
 * the directory is locked for as long as the daemon lives.
 */
#ifndef WCCPD_KERNEL_PINS_DIRECTORY_H
#define WCCPD_KERNEL_PINS_DIRECTORY_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PINS_PATH_MAX = 256 };

enum pins_directory_result {
	PINS_DIRECTORY_OPEN,
	PINS_DIRECTORY_NONE,   /* there can be none, `err` says why */
	PINS_DIRECTORY_LOCKED, /* by another process */
};

/* The default for this network namespace: /sys/fs/bpf/NAME-NUMBER.  -1: out of room. */
int pins_directory_default(const char *name, char *out, size_t size);

/* Mount the BPF file system on /sys/fs/bpf unless it is.  Best effort; call it while
 * CAP_SYS_ADMIN is there. */
void pins_directory_mount(void);

/* Make, open and lock it.  `fd` gets the descriptor; if it is locked by another process, one
 * to look inside. */
enum pins_directory_result pins_directory_open(const char *path, int *fd, struct err *err);

/* Is there nothing in it but, perhaps, the entry `but`? */
bool pins_directory_is_empty(int fd, const char *but);
/* Remove the entries for which `keep` answers false (NULL: all). */
void pins_directory_clear(int fd, bool (*keep)(void *arg, const char *name), void *arg);

#endif
