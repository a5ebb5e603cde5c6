/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One way to accept connections. */
#include "listen.h"

#include "log.h"
#include "sockaddr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 16,  /* connections taken in one go */
	RETRY_S = 1, /* without descriptors or memory, until the next try */
};

/* Who has connected: a user of this host, or an address. */
struct listener_owner {
	uid_t uid;
	struct addr addr;
};

struct listener_place {
	struct listener *listener;
	int fd; /* -1: free */
	struct event *end;
	struct listener_owner owner;
	enum listener_rank rank;
	uint64_t number; /* counts connections: the lowest is the oldest */
	bool leaving;	 /* shut down, and not closed yet */
};

struct listener {
	struct listener_conf conf;
	struct event_base *base;
	int fd;
	struct event *readable, *again;
	bool paused; /* which was logged */
	uint64_t accepted;
	unsigned n_places; /* LISTENER_CONNECTIONS(conf.places) */
	struct listener_place places[];
};

/* -- places ------------------------------------------------------------------------ */

static struct listener_place *listener_free_place(struct listener *l)
{
	for (unsigned i = 0; i < l->n_places; i++)
		if (l->places[i].fd < 0)
			return &l->places[i];
	return NULL;
}

void listener_leave(struct listener_place *place)
{
	if (place->end)
		event_del(place->end);
	place->fd = -1;
}

void listener_set_rank(struct listener_place *place, enum listener_rank rank)
{
	place->rank = rank;
}

/* Its server then reads the end of the stream and closes. */
static void listener_end(struct listener_place *place)
{
	place->leaving = true;
	shutdown(place->fd, SHUT_RDWR);
}

static void listener_on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	listener_end(arg);
}

/* -- who has to go ----------------------------------------------------------------- */

static struct listener_owner listener_owner_of(int fd)
{
	struct listener_owner o = { 0 };
	union sockaddr_any peer = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	struct ucred who;

	getpeername(fd, &peer.any, &len);
	o.addr = sockaddr_address(&peer.any);
	len = sizeof(who);
	if (peer.any.sa_family == AF_UNIX &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		o.uid = who.uid;
	return o;
}

static bool listener_is_same_owner(const struct listener_owner *a,
				   const struct listener_owner *b)
{
	return a->uid == b->uid && addr_equal(&a->addr, &b->addr);
}

static bool listener_is_seated(const struct listener_place *p)
{
	return p->fd >= 0 && !p->leaving;
}

static unsigned listener_count(const struct listener *l, const struct listener_owner *of)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n_places; i++)
		n += listener_is_seated(&l->places[i]) &&
		     (!of || listener_is_same_owner(&l->places[i].owner, of));
	return n;
}

/* Has `a` to go rather than `b`? */
static bool listener_is_less_useful(const struct listener *l,
				    const struct listener_place *a,
				    const struct listener_place *b)
{
	unsigned of_a = listener_count(l, &a->owner), of_b = listener_count(l, &b->owner);

	if (of_a != of_b)
		return of_a > of_b;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->number < b->number;
}

/* Any but the newcomer. */
static void listener_make_room(struct listener *l, const struct listener_place *newcomer)
{
	struct listener_place *least = NULL;

	if (listener_count(l, NULL) <= l->conf.places)
		return;
	for (unsigned i = 0; i < l->n_places; i++) {
		struct listener_place *p = &l->places[i];

		if (listener_is_seated(p) && p != newcomer &&
		    (!least || listener_is_less_useful(l, p, least)))
			least = p;
	}
	if (least)
		listener_end(least);
}

static void listener_seat(struct listener *l, struct listener_place *place, int fd)
{
	struct timeval life = { .tv_sec = (time_t)l->conf.life_s };

	place->fd = fd;
	place->owner = listener_owner_of(fd);
	place->rank = LISTENER_ASKS;
	place->leaving = false;
	place->number = l->accepted++;
	if (place->end)
		event_add(place->end, &life);
	if (l->conf.accept(l->conf.arg, fd, place) < 0) {
		listener_leave(place);
		close(fd);
	} else if (place->fd >= 0) { /* not answered already, and gone */
		listener_make_room(l, place);
	}
}

/* -- accepting --------------------------------------------------------------------- */

/* The client stays in the kernel's queue.  Being woken for it again and again would
 * keep the daemon from all other work. */
static void listener_pause(struct listener *l)
{
	struct timeval later = { .tv_sec = RETRY_S };

	if (!l->paused)
		log_state(NOTE_WARNING, "listener-paused", (struct log_about){ 0 },
			  "%s: %s; trying again every second", l->conf.name,
			  strerror(errno));
	l->paused = true;
	event_del(l->readable);
	event_add(l->again, &later);
}

static void listener_accept_some(struct listener *l)
{
	for (unsigned left = BATCH; left > 0; left--) {
		struct listener_place *place = listener_free_place(l);
		int fd;

		if (!place)
			return; /* until those that have to go have gone */
		fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				listener_pause(l);
			return; /* else none is left, or one that has gone again */
		}
		if (l->paused)
			log_state(NOTE_INFO, "listener-resumed", (struct log_about){ 0 }, "%s",
				  l->conf.name);
		l->paused = false;
		listener_seat(l, place, fd);
	}
}

static void listener_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	listener_accept_some(arg);
}

static void listener_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd, (void)what;
	event_add(l->readable, NULL);
}

/* -- life -------------------------------------------------------------------------- */

static int listener_add_events(struct listener *l)
{
	for (unsigned i = 0; i < l->n_places && l->conf.life_s; i++) {
		struct listener_place *place = &l->places[i];

		place->end = evtimer_new(l->base, listener_on_end, place);
		if (!place->end)
			return -1;
	}
	l->again = evtimer_new(l->base, listener_on_again, l);
	l->readable = event_new(l->base, l->fd, EV_READ | EV_PERSIST,
				listener_on_readable, l);
	return l->again && l->readable ? event_add(l->readable, NULL) : -1;
}

static void listener_free_events(struct listener *l)
{
	for (unsigned i = 0; i < l->n_places; i++)
		if (l->places[i].end)
			event_free(l->places[i].end);
	if (l->again)
		event_free(l->again);
	if (l->readable)
		event_free(l->readable);
}

struct listener *listener_new(struct event_base *base, int fd,
			      const struct listener_conf *conf, struct err *err)
{
	unsigned n = LISTENER_CONNECTIONS(conf->places);
	struct listener *l = calloc(1, sizeof(*l) + n * sizeof(l->places[0]));

	if (!l) {
		err_set(err, "out of memory");
		return NULL;
	}
	l->conf = *conf;
	l->n_places = n;
	l->base = base;
	l->fd = fd;
	for (unsigned i = 0; i < n; i++)
		l->places[i] = (struct listener_place){ .listener = l, .fd = -1 };
	if (listener_add_events(l) == 0)
		return l;
	err_set(err, "out of memory");
	listener_free_events(l);
	free(l);
	return NULL;
}

int listener_fd(const struct listener *l)
{
	return l->fd;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	listener_free_events(l);
	close(l->fd);
	free(l);
}
