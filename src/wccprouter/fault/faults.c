/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults in force: the list, and the datagrams that are held back. */
#include "wccprouter/fault/faults.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One copy of a datagram that is held back. */
struct held {
	struct faults *faults;
	struct held *next, **link; /* of the list of all */
	struct event *timer;
	faults_go *go;
	void *arg;
	size_t len;
	_Alignas(max_align_t) uint8_t context[FAULTS_CONTEXT_MAX];
	uint8_t octets[];
};

struct faults {
	struct event_base *base;
	struct fault_set set;
	/* One for each direction: an incoming datagram may be answered while its
	 * entry is in use. */
	struct fault_result in, out;
	unsigned n_held;
	struct held *held;
	uint64_t no_room; /* copies that were lost because there were too many */
};

struct faults *faults_new(struct event_base *base)
{
	struct faults *f = calloc(1, sizeof(*f));

	if (f)
		f->base = base;
	return f;
}

/* -- held back --------------------------------------------------------------------- */

static void faults_release(struct held *h)
{
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	h->faults->n_held--;
	event_free(h->timer);
	free(h);
}

static void faults_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct held *h = arg;

	(void)fd, (void)what;
	h->go(h->arg, clock_now(), h->context, h->octets, h->len);
	faults_release(h);
}

/* -1 when there is no room. */
static int faults_hold(struct faults *f, const struct fault_result *r, uint32_t ms,
		       faults_go *go, void *arg, const void *context,
		       size_t context_len)
{
	struct timeval tv = clock_ms(ms);
	struct held *h;

	if (f->n_held == FAULTS_HELD_MAX)
		return -1;
	h = calloc(1, sizeof(*h) + r->len);
	if (!h)
		return -1;
	*h = (struct held){ .faults = f, .go = go, .arg = arg, .len = r->len };
	memcpy(h->context, context, context_len);
	memcpy(h->octets, r->octets, h->len);
	h->timer = evtimer_new(f->base, faults_on_timer, h);
	if (!h->timer || evtimer_add(h->timer, &tv) < 0) {
		if (h->timer)
			event_free(h->timer);
		free(h);
		return -1;
	}
	h->next = f->held;
	h->link = &f->held;
	if (h->next)
		h->next->link = &h->next;
	f->held = h;
	f->n_held++;
	return 0;
}

void faults_free(struct faults *f)
{
	if (!f)
		return;
	while (f->held)
		faults_release(f->held);
	free(f);
}

/* -- passing ----------------------------------------------------------------------- */

bool faults_any(const struct faults *f)
{
	return f->set.n > 0;
}

void faults_pass(struct faults *f, struct mono now, const struct fault_about *about,
		 const void *octets, size_t len, faults_go *go, void *arg,
		 const void *context, size_t context_len)
{
	struct fault_result *r = about->way == FAULT_IN ? &f->in : &f->out;

	if (context_len > FAULTS_CONTEXT_MAX)
		abort(); /* a bug in the caller */
	fault_apply(&f->set, about, octets, len, r);
	for (unsigned i = 0; i < r->n; i++)
		if (!r->delays_ms[i])
			go(arg, now, context, r->octets, r->len);
		else if (faults_hold(f, r, r->delays_ms[i], go, arg, context,
				     context_len) < 0)
			f->no_room++;
}

/* -- the list ---------------------------------------------------------------------- */

static int faults_add_words(struct faults *f, unsigned n, char *const *words,
			    struct err *err)
{
	struct fault new;
	char text[FAULT_TEXT_MAX];

	if (fault_parse(n, words, &new, err) < 0)
		return -1;
	if (f->set.n == FAULTS_MAX)
		return err_set(err, "there are %d faults already", FAULTS_MAX);
	f->set.list[f->set.n++] = new;
	log_info("fault", "%s", fault_print(&new, text));
	return 0;
}

int faults_add(struct faults *f, const char *text, struct err *err)
{
	char copy[FAULT_TEXT_MAX], *words[16], *rest = NULL;
	unsigned n = 0;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, "%.40s...: too long", text);
	strcpy(copy, text);
	for (char *w = strtok_r(copy, " \t", &rest); w;
	     w = strtok_r(NULL, " \t", &rest)) {
		if (n == sizeof(words) / sizeof(words[0]))
			return err_set(err, "%s: too many words", text);
		words[n++] = w;
	}
	return faults_add_words(f, n, words, err);
}

/* A list number counts from 1, as they are shown. */
static int faults_clear(struct faults *f, unsigned n, char *const *words,
			struct err *err)
{
	unsigned long which = n ? strtoul(words[0], NULL, 10) : 0;

	if (n && (which < 1 || which > f->set.n))
		return err_set(err, "%.40s is not the number of a fault in the list",
			       words[0]);
	if (n) {
		f->set.n--;
		memmove(&f->set.list[which - 1], &f->set.list[which],
			(f->set.n - which + 1) * sizeof(f->set.list[0]));
	} else {
		f->set.n = 0;
	}
	log_info("fault", "%u faults are left", f->set.n);
	return 0;
}

static int faults_seed(struct faults *f, unsigned n, char *const *words,
		       struct err *err)
{
	char *end = NULL;
	uint64_t value = n ? strtoull(words[0], &end, 10) : 0;

	if (!n || end == words[0] || *end)
		return err_set(err, "seed: needs a number");
	f->set.random = value;
	return 0;
}

/* As text, for people and scenarios: one line for each fault. */
static json_t *faults_list(const struct faults *f)
{
	json_t *all = json_array(), *answer;
	char lines[FAULTS_MAX * (FAULT_TEXT_MAX + 40) + 1] = "no faults";
	size_t used = 0;

	for (unsigned i = 0; i < f->set.n; i++) {
		char text[FAULT_TEXT_MAX];
		uint64_t hits = f->set.list[i].hits;

		fault_print(&f->set.list[i], text);
		used += (size_t)snprintf(lines + used, sizeof(lines) - used,
					 "%s%u: %s (%" PRIu64 " times)", i ? "\n" : "",
					 i + 1, text, hits);
		json_array_append_new(all, json_pack("{s:s, s:I}", "fault", text,
						     "hits", (json_int_t)hits));
	}
	answer = json_pack("{s:s, s:i, s:I}", "text", lines, "held", (int)f->n_held,
			   "lost_for_want_of_room", (json_int_t)f->no_room);
	json_object_set_new(answer, "faults", all);
	return answer;
}

json_t *faults_command(struct faults *f, unsigned n, char *const *words)
{
	struct err err;
	int r = 0;

	if (n == 0 || strcmp(words[0], "list") == 0)
		return faults_list(f);
	if (strcmp(words[0], "clear") == 0)
		r = faults_clear(f, n - 1, words + 1, &err);
	else if (strcmp(words[0], "seed") == 0)
		r = faults_seed(f, n - 1, words + 1, &err);
	else
		r = faults_add_words(f, n, words, &err);
	return r < 0 ? json_pack("{s:s}", "error", err.text) : faults_list(f);
}
