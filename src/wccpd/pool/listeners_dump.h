/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the kernel (sock_diag) for the listening TCP sockets on certain ports.  It leaves
 * all others out by itself, however many there are. */
#ifndef WCCPD_WCCPD_POOL_LISTENERS_DUMP_H
#define WCCPD_WCCPD_POOL_LISTENERS_DUMP_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct listeners_socket {
	uint16_t port; /* host order */
	struct addr at; /* unset: every address */
	uint64_t inode;
	/* Certainly not transparent; before Linux 5.10 that is not known. */
	bool plain;
};

typedef void listeners_dumped(void *arg, const struct listeners_socket *s);

/* `ports` are in ascending order, each once; `take` is called for each socket. */
int listeners_dump(const uint16_t *ports, unsigned n_ports, listeners_dumped *take,
		   void *arg, struct err *err);

#endif
