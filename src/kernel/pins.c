/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pins.h"

#include "kernel/pins_identity.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PINS_IDENTITY "identity"
#define PINS_SAVED "saved"

enum { PINS_ITEMS = 32 };

/* A map that is pinned, or is to be. */
struct pins_item {
	char name[PINS_NAME_MAX];
	int fd;
	bool pinned;
};

struct pins {
	enum pins_state state;
	int dir;
	char path[PINS_PATH_MAX];
	bool in_force; /* those of the process before were complete, and are of here */
	bool by_default; /* the path is: nobody else's pins are in it */
	struct pins_identity identity;
	int identity_map, saved_map;
	size_t saved_size;
	void *saved; /* as it is in the map; NULL: nothing is */
	unsigned n_items;
	struct pins_item items[PINS_ITEMS];
	char link[PINS_NAME_MAX]; /* that this process has pinned or taken over */
	struct err text;
};

static const uint32_t pins_first;

/* -- names --------------------------------------------------------------------------- */

struct pins_file {
	char path[64 + PINS_NAME_MAX];
};

/* By the descriptor: the path may lead through folders that we may not enter. */
static struct pins_file pins_file(const struct pins *p, const char *name)
{
	struct pins_file f;

	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d/%s", p->dir, name);
	return f;
}

static int pins_open_map(const struct pins *p, const char *name)
{
	return p->dir < 0 ? -1 : bpf_obj_get(pins_file(p, name).path);
}

static int pins_pin(const struct pins *p, const char *name, int fd)
{
	unlinkat(p->dir, name, 0);
	return bpf_obj_pin(fd, pins_file(p, name).path);
}

/* -- identity ------------------------------------------------------------------------ */

static int pins_write_identity(const struct pins *p)
{
	return bpf_map_update_elem(p->identity_map, &pins_first, &p->identity, BPF_ANY);
}

/* What the process before has left. */
static enum pins_state pins_judge(struct pins *p, uint32_t layout)
{
	struct pins_identity was;
	const char *why = NULL;
	bool found = pins_identity_read(p->identity_map, &was);

	if (!found && pins_directory_is_empty(p->dir, NULL)) {
		err_set(&p->text, "kernel state is kept in %s", p->path);
		return PINS_FRESH;
	}
	if (!found)
		why = "are not complete";
	else if (was.namespace_cookie != p->identity.namespace_cookie)
		why = "are of another network namespace";
	else if (was.layout != layout)
		why = "are of a build with another layout";
	else if (!was.complete)
		why = "are not complete";
	if (found)
		p->identity.seed = was.seed;
	p->in_force = found && was.complete &&
		      was.namespace_cookie == p->identity.namespace_cookie;
	if (!found && !p->by_default)
		return PINS_NONE;
	if (!why) {
		err_set(&p->text, "kernel state of process %u is adopted from %s",
			was.pid, p->path);
		return PINS_ADOPTED;
	}
	err_set(&p->text, "pins in %s %s: they will be replaced", p->path, why);
	return PINS_STALE;
}

static int pins_take_identity(struct pins *p, uint32_t layout)
{
	p->identity_map = pins_open_map(p, PINS_IDENTITY);
	p->state = pins_judge(p, layout);
	if (p->state == PINS_NONE) {
		errno = ENOTEMPTY; /* whose ever these are */
		return -1;
	}
	p->identity.layout = layout;
	p->identity.pid = (uint32_t)getpid();
	p->identity.complete = p->state == PINS_ADOPTED;
	if (p->state == PINS_ADOPTED)
		return pins_write_identity(p);
	if (p->identity_map >= 0)
		close(p->identity_map);
	p->identity_map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "wccp_identity",
					 sizeof(pins_first), sizeof(p->identity), 1, NULL);
	if (p->identity_map < 0 || pins_write_identity(p) < 0)
		return -1;
	return pins_pin(p, PINS_IDENTITY, p->identity_map);
}

/* -- what is saved ------------------------------------------------------------------- */

static int pins_open_saved(struct pins *p)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	p->saved_map = pins_get(p, PINS_SAVED);
	if (p->saved_map < 0)
		return -1;
	p->saved = malloc(p->saved_size);
	if (p->saved && bpf_obj_get_info_by_fd(p->saved_map, &info, &len) == 0 &&
	    info.value_size == p->saved_size &&
	    bpf_map_lookup_elem(p->saved_map, &pins_first, p->saved) == 0)
		return 0;
	free(p->saved);
	p->saved = NULL;
	close(p->saved_map);
	p->saved_map = -1;
	return -1;
}

static void pins_prepare_saved(struct pins *p)
{
	if (p->state == PINS_ADOPTED && pins_open_saved(p) < 0) {
		err_set(&p->text, "pins in %s are not complete: they will be replaced",
			p->path);
		p->state = PINS_STALE;
	}
	if (p->saved_map < 0)
		p->saved_map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "wccp_saved",
					      sizeof(pins_first), (uint32_t)p->saved_size,
					      1, NULL);
	if (p->saved_map >= 0)
		pins_keep_map(p, PINS_SAVED, p->saved_map);
}

const void *pins_saved(const struct pins *p)
{
	return p->state == PINS_ADOPTED ? p->saved : NULL;
}

void pins_save(struct pins *p, const void *saved)
{
	if (p->dir < 0 || p->saved_map < 0 ||
	    (p->saved && memcmp(p->saved, saved, p->saved_size) == 0))
		return;
	if (!p->saved)
		p->saved = malloc(p->saved_size);
	if (p->saved && bpf_map_update_elem(p->saved_map, &pins_first, saved, BPF_ANY) == 0)
		memcpy(p->saved, saved, p->saved_size);
}

/* -- opening and closing --------------------------------------------------------------- */

static void pins_do_without(struct pins *p, const char *why)
{
	if (p->dir >= 0)
		close(p->dir);
	p->dir = -1;
	p->state = PINS_NONE;
	p->identity.complete = 0;
	p->n_items = 0;
	err_set(&p->text, "%s: kernel state ends with this process", why);
}

static int pins_tell_locked(struct pins *p, const char *name, struct err *err)
{
	struct pins_identity other = { .pid = 0 };
	int map = pins_open_map(p, PINS_IDENTITY);
	bool known = pins_identity_read(map, &other);

	if (map >= 0)
		close(map);
	if (known)
		return err_set(err, "another %s, process %u, has the pins in %s", name,
			       other.pid, p->path);
	return err_set(err, "another process has the pins in %s", p->path);
}

static int pins_open_directory(struct pins *p, const struct pins_spec *spec,
			       struct err *err)
{
	struct err why = { "" };

	if (strcmp(spec->directory, "none") == 0) {
		pins_do_without(p, "pin-directory is none");
		return 0;
	}
	p->by_default = !spec->directory[0];
	if (!p->by_default)
		snprintf(p->path, sizeof(p->path), "%s", spec->directory);
	else
		pins_directory_default(spec->name, p->path, sizeof(p->path));
	switch (pins_directory_open(p->path, &p->dir, &why)) {
	case PINS_DIRECTORY_LOCKED:
		return pins_tell_locked(p, spec->name, err);
	case PINS_DIRECTORY_NONE:
		pins_do_without(p, why.text);
		return 0;
	case PINS_DIRECTORY_OPEN:
		break;
	}
	if (pins_take_identity(p, spec->layout) < 0) {
		err_set(&why, "%s: %s", p->path, strerror(errno));
		pins_do_without(p, why.text);
	}
	return 0;
}

struct pins *pins_open(const struct pins_spec *spec, struct err *err)
{
	struct pins *p = calloc(1, sizeof(*p));

	if (!p) {
		err_set(err, "out of memory");
		return NULL;
	}
	p->dir = p->identity_map = p->saved_map = -1;
	p->saved_size = spec->saved_size;
	pins_identity_init(&p->identity);
	if (pins_open_directory(p, spec, err) < 0) {
		pins_close(p);
		return NULL;
	}
	if (p->dir >= 0)
		pins_prepare_saved(p);
	return p;
}

void pins_close(struct pins *p)
{
	const int fds[] = { p->dir, p->identity_map, p->saved_map };

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(p->saved);
	free(p);
}

void pins_remove(struct pins *p)
{
	if (p->dir >= 0) {
		pins_directory_clear(p->dir, NULL, NULL);
		rmdir(p->path);
	}
	pins_close(p);
}

void pins_refuse(struct pins *p, const char *why)
{
	err_set(&p->text, "pins in %s %s: they will be replaced", p->path, why);
	p->state = PINS_STALE;
	p->identity.complete = 0;
}

bool pins_in_force(const struct pins *p)
{
	return p->in_force;
}

enum pins_state pins_state(const struct pins *p)
{
	return p->state;
}

const char *pins_text(const struct pins *p)
{
	return p->text.text;
}

uint64_t pins_seed(const struct pins *p)
{
	return p->identity.seed;
}

/* -- maps ------------------------------------------------------------------------------- */

int pins_get(const struct pins *p, const char *name)
{
	return p->state == PINS_ADOPTED ? pins_open_map(p, name) : -1;
}

void pins_keep_map(struct pins *p, const char *name, int fd)
{
	struct pins_item *item = &p->items[p->n_items];

	if (p->dir < 0 || p->n_items == PINS_ITEMS)
		return;
	*item = (struct pins_item){ .fd = fd };
	snprintf(item->name, sizeof(item->name), "%s", name);
	p->n_items++;
}

/* The constants of an object are its own, and what a ring buffer holds is of no use to
 * another process. */
static bool pins_is_kept(const struct bpf_map *map)
{
	return !bpf_map__is_internal(map) &&
	       bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF;
}

static int pins_find(const struct pins *p, const char *name)
{
	if (p->state == PINS_STALE && strcmp(name, PINS_SHARED) == 0)
		return pins_open_map(p, name);
	return pins_get(p, name);
}

static struct bpf_map_info pins_info(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	bpf_obj_get_info_by_fd(fd, &info, &len);
	return info;
}

static bool pins_fits(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = pins_info(fd);

	return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

int pins_reuse(struct pins *p, struct bpf_object *object, struct err *err)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		int fd, rc;

		/* It has one of another object already. */
		if (!pins_is_kept(map) || bpf_map__fd(map) >= 0)
			continue;
		fd = pins_find(p, bpf_map__name(map));
		if (fd < 0)
			continue;
		rc = pins_fits(fd, map) ? bpf_map__reuse_fd(map, fd) : 0;
		close(fd);
		if (rc < 0)
			return err_set(err, "map %s in %s: %s", bpf_map__name(map),
				       p->path, strerror(-rc));
	}
	return 0;
}

static bool pins_has(const struct pins *p, const char *name)
{
	for (unsigned i = 0; i < p->n_items; i++)
		if (strcmp(p->items[i].name, name) == 0)
			return true;
	return false;
}

void pins_keep(struct pins *p, struct bpf_object *object)
{
	struct bpf_map *map;

	/* Those of objects that were kept before are shared. */
	bpf_object__for_each_map(map, object)
		if (pins_is_kept(map) && !pins_has(p, bpf_map__name(map)))
			pins_keep_map(p, bpf_map__name(map), bpf_map__fd(map));
}

/* -- links ------------------------------------------------------------------------------ */

static bool pins_is_here(int link)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	struct stat here;

	return bpf_obj_get_info_by_fd(link, &info, &len) == 0 &&
	       info.type == BPF_LINK_TYPE_NETNS &&
	       stat("/proc/self/ns/net", &here) == 0 &&
	       info.netns.netns_ino == here.st_ino;
}

struct bpf_link *pins_link(const struct pins *p, const char *name)
{
	struct bpf_link *link =
		p->dir < 0 ? NULL : bpf_link__open(pins_file(p, name).path);

	if (!link || pins_is_here(bpf_link__fd(link)))
		return link;
	bpf_link__destroy(link);
	return NULL;
}

void pins_keep_link(struct pins *p, const char *name, struct bpf_link *link)
{
	if (p->dir < 0)
		return;
	snprintf(p->link, sizeof(p->link), "%s", name);
	pins_pin(p, name, bpf_link__fd(link));
}

void pins_drop_link(struct pins *p, const char *name)
{
	if (p->dir >= 0)
		unlinkat(p->dir, name, 0);
	p->link[0] = '\0';
}

/* -- publishing --------------------------------------------------------------------------- */

static bool pins_is_ours(void *arg, const char *name)
{
	const struct pins *p = arg;

	return strcmp(name, PINS_IDENTITY) == 0 || strcmp(name, p->link) == 0;
}

/* In the directory of the process before, what has our names is not ours yet. */
static int pins_pin_item(struct pins *p, struct pins_item *item)
{
	int there;
	bool same;

	if (item->pinned)
		return 0;
	there = pins_open_map(p, item->name);
	same = there >= 0 && pins_info(there).id == pins_info(item->fd).id;
	if (there >= 0)
		close(there);
	if (!same && pins_pin(p, item->name, item->fd) < 0)
		return -1;
	item->pinned = true;
	return 0;
}

int pins_publish(struct pins *p, struct err *err)
{
	int rc = 0;

	if (p->dir < 0)
		return 0;
	if (p->state == PINS_STALE)
		pins_directory_clear(p->dir, pins_is_ours, p);
	for (unsigned i = 0; i < p->n_items && rc == 0; i++)
		rc = pins_pin_item(p, &p->items[i]);
	if (rc == 0 && !p->identity.complete) {
		p->identity.complete = 1;
		rc = pins_write_identity(p);
	}
	if (rc < 0)
		return err_set(err, "%s: cannot pin: %s", p->path, strerror(errno));
	p->state = PINS_ADOPTED;
	return 0;
}

uint32_t pins_layout(uint32_t number)
{
	const char *other = getenv("WCCPD_TEST_LAYOUT");

	return other ? (uint32_t)strtoul(other, NULL, 0) : number;
}
