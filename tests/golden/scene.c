/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario, line by line.  First the participants (options.c), then what happens:
 *
 *   clock MS                  time begins there; routers begin their numbers with it
 *   hand NAME ADDRESS         a peer whose messages are written by hand
 *
 *   at TIME CACHE up [weight N] [service NAME]
 *   at TIME CACHE down [service NAME]
 *   at TIME CACHE shutdown | crash | start
 *   at TIME CACHE conf OPTION ...        and the configuration is applied
 *   at TIME ROUTER stop | restart [OPTION ...]
 *   at TIME HAND says TYPE to NODE ...   handmade.c
 *   at TIME drop FROM TO [TYPE] [N]      N datagrams, else all
 *   at TIME pass FROM TO
 *   at TIME expect ...                   expect.c
 *   at TIME show                         the states, into the trace
 *   at TIME messages off | on            in the trace
 *   at TIME end
 *
 * A time is seconds, with a fraction if one likes.  A line that begins with a "#" is a
 * comment.  Web-caches and routers start at once, web-caches with their pool down.
 */
#include "golden.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* -- words --------------------------------------------------------------------------- */

const char *words_next(struct words *w)
{
	return w->at < w->n ? w->list[w->at++] : NULL;
}

const char *words_need(struct stage *st, struct words *w, const char *what)
{
	const char *word = words_next(w);

	if (!word)
		stage_fail(st, "missing: %s", what);
	return word ? word : "";
}

bool words_take(struct words *w, const char *word)
{
	if (w->at == w->n || strcmp(w->list[w->at], word) != 0)
		return false;
	w->at++;
	return true;
}

unsigned long words_number(struct stage *st, struct words *w, const char *what)
{
	const char *word = words_need(st, w, what);
	char *end;
	unsigned long n = strtoul(word, &end, 0);

	if (!*word || *end)
		stage_fail(st, "no number: %s", word);
	return n;
}

struct addr words_addr(struct stage *st, struct words *w, const char *what)
{
	const char *word = words_need(st, w, what);
	struct addr a = { 0 };

	if (addr_parse(word, &a) < 0)
		stage_fail(st, "no address: %s", word);
	return a;
}

unsigned words_addrs(struct stage *st, struct words *w, struct addr *list, unsigned max)
{
	char copy[256], *save = NULL;
	unsigned n = 0;

	if (words_take(w, "any") || words_take(w, "none"))
		return 0;
	snprintf(copy, sizeof(copy), "%s", words_need(st, w, "addresses"));
	for (char *at = strtok_r(copy, ",", &save); at;
	     at = strtok_r(NULL, ",", &save)) {
		if (n == max || addr_parse(at, &list[n]) < 0)
			stage_fail(st, "no address, or one too many: %s", at);
		else
			n++;
	}
	return n;
}

static void split(char *line, struct words *w)
{
	char *save = NULL;

	w->n = w->at = 0;
	for (char *at = strtok_r(line, " \t\n", &save); at && w->n < WORDS_MAX;
	     at = strtok_r(NULL, " \t\n", &save))
		w->list[w->n++] = at;
}

/* -- who takes part --------------------------------------------------------------------- */

static struct node *add_node(struct stage *st, enum node_kind kind, struct words *w)
{
	struct node *n = &st->nodes[st->n_nodes];

	if (st->n_nodes == NODES) {
		stage_fail(st, "more than %d nodes", NODES);
		return NULL;
	}
	*n = (struct node){ .kind = kind };
	snprintf(n->name, sizeof(n->name), "%s", words_need(st, w, "name"));
	n->addr = words_addr(st, w, "address");
	st->n_nodes++;
	return n;
}

static void add_service(struct stage *st, struct words *w)
{
	struct golden_service *s = &st->services[st->n_services];

	if (st->n_services == SERVICES) {
		stage_fail(st, "more than %d services", SERVICES);
		return;
	}
	snprintf(s->name, sizeof(s->name), "%s", words_need(st, w, "name"));
	options_service(st, s, w);
	st->n_services++;
}

static void add_cache(struct stage *st, struct words *w)
{
	struct node *n = add_node(st, NODE_CACHE, w);

	if (!n)
		return;
	n->cache_conf = (struct cache_conf){
		.forward = { 1, { WCCP_METHOD_GRE } },
		.ret = { 1, { WCCP_METHOD_GRE } },
		.assign = { 1, { WCCP_ASSIGN_HASH } },
	};
	options_cache(st, n, w);
	stage_start(st, n);
}

static void add_router(struct stage *st, struct words *w)
{
	struct node *n = add_node(st, NODE_ROUTER, w);

	if (!n)
		return;
	n->router_conf = (struct router_conf){
		.forward = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.ret = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.assign = WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK,
		.id = n->addr,
		.max_minor = 1,
	};
	options_router(st, n, w);
	stage_start(st, n);
}

static bool declare(struct stage *st, const char *word, struct words *w)
{
	if (!strcmp(word, "service"))
		add_service(st, w);
	else if (!strcmp(word, "cache"))
		add_cache(st, w);
	else if (!strcmp(word, "router"))
		add_router(st, w);
	else if (!strcmp(word, "hand"))
		add_node(st, NODE_HAND, w);
	else if (!strcmp(word, "clock"))
		st->start = st->now = mono_add_ms((struct mono){ 0 },
						  (int64_t)words_number(st, w, "ms"));
	else
		return false;
	return true;
}

/* -- what happens ------------------------------------------------------------------------ */

static void set_health(struct stage *st, struct node *n, bool up, struct words *w)
{
	unsigned long weight = 100;
	const char *service = NULL;

	if (words_take(w, "weight"))
		weight = words_number(st, w, "weight");
	if (words_take(w, "service"))
		service = words_need(st, w, "service");
	for (unsigned i = 0; i < st->n_services; i++)
		if (!service || !strcmp(service, st->services[i].name))
			stage_health(st, n, i, up, (uint16_t)weight);
}

static void cache_verb(struct stage *st, struct node *n, const char *verb,
		       struct words *w)
{
	bool crash = !strcmp(verb, "crash"), start = !strcmp(verb, "start");

	if (start)
		stage_start(st, n);
	else if (!n->machines[0].cache)
		stage_fail(st, "%s does not run", n->name);
	else if (crash)
		stage_stop(st, n);
	else if (!strcmp(verb, "up"))
		set_health(st, n, true, w);
	else if (!strcmp(verb, "down"))
		set_health(st, n, false, w);
	else if (!strcmp(verb, "shutdown"))
		stage_shutdown(st, n);
	else if (!strcmp(verb, "conf")) {
		options_cache(st, n, w);
		stage_conf(st, n);
	} else
		stage_fail(st, "a web-cache cannot %s", verb);
}

static void router_verb(struct stage *st, struct node *n, const char *verb,
			struct words *w)
{
	if (!strcmp(verb, "stop"))
		stage_stop(st, n);
	else if (!strcmp(verb, "restart")) {
		options_router(st, n, w);
		stage_start(st, n);
	} else
		stage_fail(st, "a router cannot %s", verb);
}

static void node_verb(struct stage *st, struct node *n, struct words *w)
{
	const char *verb = words_need(st, w, "verb");

	if (n->kind == NODE_CACHE)
		cache_verb(st, n, verb, w);
	else if (n->kind == NODE_ROUTER)
		router_verb(st, n, verb, w);
	else if (!strcmp(verb, "says"))
		handmade_write(st, n, w);
	else
		stage_fail(st, "a peer by hand cannot %s", verb);
}

static const struct node *need_node(struct stage *st, struct words *w)
{
	const char *name = words_need(st, w, "node");
	const struct node *n = stage_node(st, name);

	if (!n)
		stage_fail(st, "no node: %s", name);
	return n;
}

static void drop(struct stage *st, struct words *w)
{
	struct loss l = { .from = need_node(st, w), .to = need_node(st, w) };
	const char *word;

	l.left = UINT_MAX;
	while ((word = words_next(w))) {
		for (uint32_t t = WCCP_HERE_I_AM; t <= WCCP_REMOVAL_QUERY; t++)
			if (!strcmp(word, codec_type_name(t)))
				l.type = t;
		if (word[0] >= '0' && word[0] <= '9')
			l.left = (unsigned)strtoul(word, NULL, 10);
		else if (!l.type)
			stage_fail(st, "no type of message: %s", word);
	}
	if (st->n_losses == LOSSES)
		stage_fail(st, "more than %d losses", LOSSES);
	else
		st->losses[st->n_losses++] = l;
}

static void pass(struct stage *st, struct words *w)
{
	const struct node *from = need_node(st, w), *to = need_node(st, w);

	for (unsigned i = 0; i < st->n_losses; i++)
		if (st->losses[i].from == from && st->losses[i].to == to)
			st->losses[i].left = 0;
}

/* Returns false at the end of the play. */
static bool happen(struct stage *st, const char *what, struct words *w)
{
	struct node *n = stage_node(st, what);

	if (!strcmp(what, "end"))
		return false;
	if (n)
		node_verb(st, n, w);
	else if (!strcmp(what, "drop"))
		drop(st, w);
	else if (!strcmp(what, "pass"))
		pass(st, w);
	else if (!strcmp(what, "expect"))
		expect(st, w);
	else if (!strcmp(what, "show"))
		trace_state(st);
	else if (!strcmp(what, "messages"))
		st->hide_messages = strcmp(words_need(st, w, "off or on"), "off") == 0;
	else
		stage_fail(st, "nothing that can happen: %s", what);
	return true;
}

static struct mono read_time(struct stage *st, struct words *w)
{
	const char *word = words_need(st, w, "time");
	char *end;
	double seconds = strtod(word, &end);
	struct mono t = mono_add_ms(st->start, (int64_t)(seconds * 1000 + 0.5));

	if (end == word || *end || mono_before(t, st->now))
		stage_fail(st, "no time, or one that is over: %s", word);
	return t;
}

/* Time goes on to there; then it happens.  `line` is its text, for the trace. */
static bool act(struct stage *st, const char *line, struct words *w)
{
	struct mono t = read_time(st, w);
	const char *what = words_need(st, w, "what happens");

	if (st->failed)
		return false;
	stage_run(st, t);
	if (st->failed)
		return false;
	if (strcmp(what, "show") != 0)
		trace_line(st, "* %s", line);
	return happen(st, what, w);
}

/* -- the file ------------------------------------------------------------------------------ */

/* "at TIME what happens": from what on, without the end of the line. */
static void text_of(const char *line, char *text, size_t size)
{
	line += strspn(line, " \t");
	for (unsigned i = 0; i < 2; i++) {
		line += strcspn(line, " \t");
		line += strspn(line, " \t");
	}
	snprintf(text, size, "%.*s", (int)strcspn(line, "\n"), line);
}

/* Returns false when there is no more to play. */
static bool play_line(struct stage *st, char *line)
{
	char text[256];
	struct words w;
	const char *word;

	text_of(line, text, sizeof(text));
	split(line, &w);
	word = words_next(&w);
	if (!word || word[0] == '#')
		return true;
	if (strcmp(word, "at") == 0) {
		if (!act(st, text, &w))
			return false;
	} else if (!declare(st, word, &w)) {
		stage_fail(st, "not understood: %s", word);
	}
	if (!st->failed && w.at < w.n)
		stage_fail(st, "too much: %s", w.list[w.at]);
	return !st->failed;
}

int scene_play(const char *path, FILE *trace, struct err *err)
{
	static struct stage st;
	FILE *f = fopen(path, "r");
	char line[512];
	unsigned n = 0;

	if (!f)
		return err_set(err, "%s: cannot be read", path);
	memset(&st, 0, sizeof(st));
	st.start = st.now = mono_add_ms((struct mono){ 0 }, 1000);
	st.trace = trace;
	do {
		if (!fgets(line, sizeof(line), f)) {
			stage_fail(&st, "no end: at TIME end");
			break;
		}
		n++;
	} while (play_line(&st, line));
	fclose(f);
	stage_end(&st);
	if (st.failed)
		return err_set(err, "%s:%u: %s", path, n, st.why);
	return 0;
}
