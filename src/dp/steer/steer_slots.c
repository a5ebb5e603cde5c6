/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slots of the SOCKMAP: which of them holds which listening socket.
 *
 * A slot is filled before the table that names it comes into force, and emptied only
 * after the last table that names it is gone, so that no connection ever reaches the
 * listener of another instance.
 */
#include "dp/steer/steer_slots.h"

#include "dp/steer/steer_fetch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct steer_slot *steer_slots_find(struct steer_slots *s, uint64_t inode)
{
	for (unsigned i = 0; i < STEER_SLOTS; i++)
		if (s->list[i].inode == inode)
			return &s->list[i];
	return NULL;
}

static uint32_t steer_slots_index(const struct steer_slots *s,
				  const struct steer_slot *slot)
{
	return (uint32_t)(slot - s->list);
}

/* The cookie of the socket in the map; 0: there is none. */
static uint64_t steer_slots_cookie(const struct steer_slots *s,
				   const struct steer_slot *slot)
{
	uint32_t key = steer_slots_index(s, slot);
	uint64_t cookie;

	return bpf_map_lookup_elem(s->map, &key, &cookie) == 0 ? cookie : 0;
}

/* Older kernels remove a socket that stops listening, and do not add it again when it
 * resumes. */
static bool steer_slots_is_in_map(const struct steer_slots *s,
				  const struct steer_slot *slot)
{
	return steer_slots_cookie(s, slot) != 0;
}

static enum steer_use steer_slots_use(bool plain)
{
	return plain ? STEER_USE_PLAIN : STEER_USE_REDIRECTED;
}

/* Once more, to change it. */
static enum steer_fetched steer_slots_fetch(const struct steer_slot *slot, int *fd)
{
	return steer_fetch(slot->pid, slot->fd, slot->inode, ADDR_NONE,
			   steer_slots_use(slot->plain), fd, NULL);
}

static void steer_slots_set_mss(struct steer_slot *slot, int fd, int mss)
{
	int before;

	if (slot->mss == mss)
		return;
	before = steer_set_mss(fd, mss ? mss : slot->mss_before);
	if (!slot->mss)
		slot->mss_before = before;
	slot->mss = mss;
}

/*
 * Answers go out with the address of the origin, and so does "fragmentation needed" go
 * to the origin and never comes here: path MTU discovery cannot work.  Without DF,
 * routers fragment.
 */
static void steer_slots_let_fragment(struct steer_slot *slot, int fd)
{
	if (!slot->fragments)
		slot->mtu_discovery_before =
			steer_set_mtu_discovery(fd, IP_PMTUDISC_DONT);
	slot->fragments = true;
}

static void steer_slots_change_mss(struct steer_slot *slot, int mss)
{
	int fd;

	if (slot->mss == mss ||
	    steer_slots_fetch(slot, &fd) != STEER_FETCHED)
		return;
	steer_slots_set_mss(slot, fd, mss);
	close(fd);
}

/* If the owner is gone there is nothing to restore. */
static void steer_slots_restore(const struct steer_slots *s, struct steer_slot *slot)
{
	int fd;

	if (!slot->inode ||
	    steer_slots_fetch(slot, &fd) != STEER_FETCHED)
		return;
	bpf_map_delete_elem(s->slots_of_listeners, &fd);
	steer_slots_set_mss(slot, fd, 0);
	if (slot->fragments && slot->mtu_discovery_before >= 0)
		steer_set_mtu_discovery(fd, slot->mtu_discovery_before);
	close(fd);
}

static void steer_slots_empty(struct steer_slots *s, struct steer_slot *slot)
{
	uint32_t key = steer_slots_index(s, slot);

	steer_slots_restore(s, slot);
	bpf_map_delete_elem(s->map, &key);
	*slot = (struct steer_slot){ 0 };
}

static int steer_slots_put(struct steer_slots *s, struct steer_slot *slot, int fd,
			   struct err *err)
{
	uint32_t key = steer_slots_index(s, slot);
	uint64_t value = (uint64_t)fd;
	socklen_t len = sizeof(slot->cookie);

	if (bpf_map_update_elem(s->slots_of_listeners, &fd, &key, BPF_ANY) < 0 ||
	    bpf_map_update_elem(s->map, &key, &value, BPF_ANY) < 0)
		return err_set(err, "socket map: %s", strerror(errno));
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &slot->cookie, &len) < 0)
		slot->cookie = 0;
	return 0;
}

/* Fetch the listener, put it into `slot`, and close our descriptor at once. */
static enum steer_fetched steer_slots_fill_one(struct steer_slots *s,
					       struct steer_slot *slot,
					       const struct plan_listener *from,
					       bool plain, int mss, struct err *err)
{
	enum steer_fetched rc;
	int fd;

	/* What a pool listens on may be of both families. */
	rc = steer_fetch(from->pid, from->fd, from->inode, plain ? ADDR_NONE : s->family,
			 steer_slots_use(plain), &fd, err);
	if (rc != STEER_FETCHED)
		return rc;
	if (steer_slots_put(s, slot, fd, err) < 0) {
		rc = STEER_USELESS;
	} else {
		steer_slots_set_mss(slot, fd, mss);
		/* From an address of our own, discovery works. */
		if (!plain)
			steer_slots_let_fragment(slot, fd);
	}
	close(fd);
	return rc;
}

static void steer_slots_note_owner(struct steer_slot *slot,
				   const struct plan_pool *pool,
				   const struct plan_listener *from)
{
	slot->inode = from->inode;
	slot->pid = from->pid;
	slot->fd = from->fd;
	slot->plain = pool->plain;
	memcpy(slot->owner.pool, pool->name, sizeof(slot->owner.pool));
	memcpy(slot->owner.instance, pool->instances[from->instance].name,
	       sizeof(slot->owner.instance));
}

/* The slot that holds the listener in the end, or NULL. */
static struct steer_slot *steer_slots_place(struct steer_slots *s,
					    const struct plan_listener *from,
					    bool plain, int mss, enum steer_fetched *rc,
					    struct err *err)
{
	struct steer_slot *slot = steer_slots_find(s, from->inode);

	*rc = STEER_FETCHED;
	if (slot && steer_slots_is_in_map(s, slot)) {
		if (!slot->planned) { /* the first pool that names it decides */
			slot->pid = from->pid;
			slot->fd = from->fd;
			steer_slots_change_mss(slot, mss);
		}
		return slot;
	}
	if (!slot)
		slot = steer_slots_find(s, 0);
	if (!slot) {
		*rc = STEER_USELESS;
		err_set(err, "more than %d listeners", STEER_SLOTS);
		return NULL;
	}
	*rc = steer_slots_fill_one(s, slot, from, plain, mss, err);
	if (*rc != STEER_FETCHED)
		return NULL;
	slot->fresh = !slot->inode;
	return slot;
}

static int steer_slots_fill_pool(struct steer_slots *s, const struct plan_pool *pool,
				 int mss, uint16_t *out, struct err *trouble,
				 struct err *err)
{
	for (unsigned i = 0; i < pool->n_listeners; i++) {
		const struct plan_listener *from = &pool->listeners[i];
		enum steer_fetched rc;
		struct err why;
		struct steer_slot *slot =
			steer_slots_place(s, from, pool->plain, mss, &rc, &why);

		out[i] = slot ? (uint16_t)steer_slots_index(s, slot) : STEER_NO_SLOT;
		if (slot && !slot->planned)
			steer_slots_note_owner(slot, pool, from);
		if (slot)
			slot->planned = true;
		if (rc == STEER_DENIED)
			return err_set(err, "%s", why.text);
		if (rc == STEER_USELESS)
			err_set(trouble, "instance %s/%s: %s", pool->name,
				pool->instances[from->instance].name, why.text);
	}
	return 0;
}

int steer_slots_fill(struct steer_slots *s, const struct plan *plan, const int *mss,
		     struct steer_places *out, struct err *trouble, struct err *err)
{
	memset(out, 0xff, sizeof(*out)); /* STEER_NO_SLOT */
	s->family = plan->self.family;
	for (unsigned i = 0; i < STEER_SLOTS; i++)
		s->list[i].planned = false;
	for (unsigned i = 0; i < plan->n_pools; i++)
		if (steer_slots_fill_pool(s, &plan->pools[i], mss[i], out->slots[i],
					  trouble, err) < 0)
			return -1;
	return 0;
}

void steer_slots_adopt(struct steer_slots *s, const struct steer_slot *list)
{
	memcpy(s->list, list, sizeof(s->list));
	for (unsigned i = 0; i < STEER_SLOTS; i++) {
		struct steer_slot *slot = &s->list[i];
		uint64_t cookie = steer_slots_cookie(s, slot);

		slot->fresh = false;
		if (cookie && (!slot->inode || cookie != slot->cookie))
			*slot = (struct steer_slot){ .inode = STEER_SLOT_UNKNOWN };
	}
}

void steer_slots_settle(struct steer_slots *s)
{
	for (unsigned i = 0; i < STEER_SLOTS; i++) {
		struct steer_slot *slot = &s->list[i];

		slot->fresh = false;
		if (slot->inode && !slot->planned)
			steer_slots_empty(s, slot);
	}
}

void steer_slots_revert(struct steer_slots *s)
{
	for (unsigned i = 0; i < STEER_SLOTS; i++)
		if (s->list[i].fresh)
			steer_slots_empty(s, &s->list[i]);
}

void steer_slots_clear(struct steer_slots *s)
{
	for (unsigned i = 0; i < STEER_SLOTS; i++)
		if (s->list[i].inode)
			steer_slots_empty(s, &s->list[i]);
}
