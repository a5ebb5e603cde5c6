/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A router that does not answer.  It gives no reason: a wrong password, a group-list
 * without us and a cut cable all look alike from here, so all we can do is to name
 * possible causes, the likeliest first.
 */
#include "core/cache/cache_impl.h"

#include <stdarg.h>
#include <stdio.h>

/* One HERE_I_AM may be lost, and so may the next two. */
enum { UNANSWERED = 3 };

/* -- a text in pieces -------------------------------------------------------------- */

struct unanswered_text {
	char s[448];
	size_t at;
	unsigned causes;
};

static void unanswered_add(struct unanswered_text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void unanswered_add(struct unanswered_text *t, const char *format, ...)
{
	size_t room = sizeof(t->s) - t->at;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->s + t->at, room, format, args);
	va_end(args);
	if (n > 0)
		t->at += (size_t)n < room ? (size_t)n : room - 1;
}

static void unanswered_cause(struct unanswered_text *t, const char *text)
{
	unanswered_add(t, "%s(%u) %s", t->causes ? "; " : " ", t->causes + 1, text);
	t->causes++;
}

/* -- causes ------------------------------------------------------------------------ */

/* For a dynamic service, routers keep the first description they get. */
static void unanswered_description(const struct cache *c, struct unanswered_text *t)
{
	const struct wccp_service *w = &c->conf.service;

	if (w->type == WCCP_SERVICE_STANDARD)
		return;
	unanswered_cause(t, "the group there has another description than ours:");
	unanswered_add(t, " priority %u, protocol %u, flags 0x%x", w->priority,
		       w->protocol, w->flags);
	for (unsigned i = 0; i < WCCP_MAX_PORTS && w->ports[i]; i++)
		unanswered_add(t, "%s%u", i ? ", " : ", ports ", w->ports[i]);
}

/* It has answered before, so most of the configuration was right. */
static void unanswered_causes_lost(struct unanswered_text *t)
{
	unanswered_cause(t, "it is down, or has just been restarted");
	unanswered_cause(t, "there is no route to it, or from it to us");
	unanswered_cause(t, "UDP port 2048 is filtered on the way");
	unanswered_cause(t, "its password, group-list or service was changed");
}

static void unanswered_causes_new(const struct cache *c, const struct peer *p,
				  struct unanswered_text *t)
{
	unanswered_cause(t, c->conf.password.set
				    ? "its password is not ours"
				    : "it has a password, and none is set here");
	unanswered_cause(t, "its group-list does not have our address");
	unanswered_add(t, ", %s", ADDR_TEXT(&c->conf.self));
	unanswered_cause(t, "the service is not configured there");
	unanswered_description(c, t);
	if (peer_hello_minor(c, p) > 0)
		unanswered_cause(t, "it does not know WCCP 2.01");
	unanswered_cause(t, "UDP port 2048 is filtered on the way");
	if (!p->noted.unreachable)
		unanswered_cause(t, "there is no route to it, or from it to us");
}

static void unanswered_causes(const struct cache *c, const struct peer *p,
			      struct unanswered_text *t)
{
	if (p->noted.unreachable)
		unanswered_cause(t, p->noted.unreachable);
	if (p->state == PEER_LOST)
		unanswered_causes_lost(t);
	else
		unanswered_causes_new(c, p, t);
}

static const char *unanswered_reason(const struct cache *c, const struct peer *p)
{
	if (p->noted.unreachable)
		return p->noted.unreachable;
	if (c->conf.password.set)
		return "no answer: look at password, group-list, service, UDP 2048";
	return "no answer: look at password (none here), group-list, service, UDP 2048";
}

/* -- when -------------------------------------------------------------------------- */

void peer_check_unanswered(const struct cache *c, struct peer *p, struct step *s)
{
	struct unanswered_text t = { .at = 0 };

	if (p->hello.outstanding < UNANSWERED || p->removed ||
	    (p->state != PEER_WAITING && p->state != PEER_LOST))
		return;
	if (p->state == PEER_WAITING)
		peer_explain(p, unanswered_reason(c, p));
	if (!reminder_due(&p->noted.unanswered, s->now))
		return;
	unanswered_causes(c, p, &t);
	actions_note(s->out, NOTE_WARNING, "no-answer", &p->address,
		     "router %s: no answer to %u HERE_I_AMs; likely causes:%s",
		     ADDR_TEXT(&p->address), p->hello.outstanding, t.s);
}

/* It answers, so password and way are right; what it does not take is in the message. */
void peer_check_unlisted(const struct cache *c, struct peer *p, struct step *s)
{
	int64_t patience = (int64_t)(UNANSWERED + 1) * p->agreed.t_ms;
	struct unanswered_text t = { .at = 0 };

	if (p->state != PEER_NEGOTIATING) {
		reminder_reset(&p->noted.unlisted);
		return;
	}
	if (p->removed || !mono_due(mono_add_ms(p->since, patience), s->now))
		return;
	peer_explain(p, "it answers, and does not take us in: look at group-list, service");
	if (!reminder_due(&p->noted.unlisted, s->now))
		return;
	unanswered_cause(&t, "its group-list does not have our address");
	unanswered_add(&t, ", %s", ADDR_TEXT(&c->conf.self));
	unanswered_description(c, &t);
	unanswered_cause(&t, "it has no room for one more web-cache");
	unanswered_cause(&t, "our HERE_I_AMs reach it late, or not at all");
	actions_note(s->out, NOTE_WARNING, "not-listed", &p->address,
		     "router %s answers and does not take us in; likely causes:%s",
		     ADDR_TEXT(&p->address), t.s);
}

void peer_answered(struct peer *p)
{
	p->hello.outstanding = 0;
	p->noted.unreachable = NULL;
	reminder_reset(&p->noted.unanswered);
}

void cache_take_unreachable(struct cache *c, const struct addr *router, const char *why)
{
	struct peer *p = cache_find_peer(c, router);

	if (p)
		p->noted.unreachable = why;
}
