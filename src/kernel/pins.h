/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel state that outlives the process: maps and links are pinned in a directory of a
 * BPF file system, and the next process adopts them.
 *
 * The pins of a process fit the next one if both have the same layout: a number that
 * stands for the meaning of every octet in the maps.  If not (another build, or the
 * network namespace of a process is gone), the old pins stay in force until the new
 * process has programs and maps of its own in force, and are replaced then.
 *
 * Everything here also works without a directory; then nothing outlives the process.
 */
#ifndef WCCPD_KERNEL_PINS_H
#define WCCPD_KERNEL_PINS_H

#include "err.h"
#include "kernel/pins_directory.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_link;
struct bpf_map;
struct bpf_object;

enum { PINS_NAME_MAX = 32 };

enum pins_state {
	PINS_NONE,    /* no directory: nothing is kept */
	PINS_FRESH,   /* there was nothing */
	PINS_ADOPTED, /* those of the process before are in use */
	PINS_STALE,   /* those of the process before do not fit */
};

struct pins_spec {
	const char *directory; /* empty: the default; "none": do without */
	const char *name;      /* of the program */
	uint32_t layout;
	size_t saved_size; /* of what pins_save() keeps, in octets */
};

struct pins;

/* NULL: another process has the pins (`err` names it), or out of memory.  Without a BPF
 * file system the state is PINS_NONE. */
struct pins *pins_open(const struct pins_spec *spec, struct err *err);
enum pins_state pins_state(const struct pins *p);
/* What an operator should know of the state: a text for the log, never empty. */
const char *pins_text(const struct pins *p);
/* A random number that stays the same for as long as the directory exists, whatever the
 * layout. */
uint64_t pins_seed(const struct pins *p);

/* What is saved does not fit after all. */
void pins_refuse(struct pins *p, const char *why);
/* Is what the process before had in force, here, whatever its layout? */
bool pins_in_force(const struct pins *p);

/* Before an object is loaded: let it use the maps of the process before.  PINS_SHARED is one
 * that can be used whatever the layout: it carries words between two programs, of which one
 * is replaced a moment before the other. */
#define PINS_SHARED "probes"
int pins_reuse(struct pins *p, struct bpf_object *object, struct err *err);
/* After it: its maps are to be pinned by pins_publish(). */
void pins_keep(struct pins *p, struct bpf_object *object);
/* The same for a single map: a descriptor of the one pinned, or -1 ... */
int pins_get(const struct pins *p, const char *name);
/* ... and a new one, of which the descriptor stays the caller's and must stay open. */
void pins_keep_map(struct pins *p, const char *name, int fd);

/* The link pinned under a name if it is one of this network namespace; else NULL.  Also
 * if the layout does not fit. */
struct bpf_link *pins_link(const struct pins *p, const char *name);
/* Best effort: without a pin, the link ends with the process. */
void pins_keep_link(struct pins *p, const char *name, struct bpf_link *link);
void pins_drop_link(struct pins *p, const char *name);

/* What the process needs to know of its own state, as one value.  NULL: there is none that
 * fits. */
const void *pins_saved(const struct pins *p);
void pins_save(struct pins *p, const void *saved);

/* Everything is in force: pin what is not yet, and remove what does not fit. */
int pins_publish(struct pins *p, struct err *err);

/* Leave the pins for the next process ... */
void pins_close(struct pins *p);
/* ... or remove them all, after their users. */
void pins_remove(struct pins *p);

/* `number`, or what the environment sets instead, for tests of an upgrade. */
uint32_t pins_layout(uint32_t number);

#endif
