/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenario files: from text to steps. */
#include "wccprouter/scenario/scenario.h"

#include "foreign/foreign_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE_MAX_LEN = 1024,
	MAX_WORDS = 48,
	MAX_STEPS = 10000,
	SCENARIO_FILE_MAX = 1 << 22,
};

/* One line.  Words are taken from the front and the end. */
struct words {
	unsigned n, next;
	char *list[MAX_WORDS];
	struct err *err;
};

static const char *scenario_parse_peek(const struct words *w)
{
	return w->next < w->n ? w->list[w->next] : "";
}

/* The next word, if it is this one. */
static bool scenario_parse_take(struct words *w, const char *word)
{
	if (w->next == w->n || strcmp(w->list[w->next], word) != 0)
		return false;
	w->next++;
	return true;
}

/* The next word, which must exist; else NULL, with the error set. */
static const char *scenario_parse_need(struct words *w, const char *what)
{
	if (w->next < w->n)
		return w->list[w->next++];
	err_set(w->err, "%s is missing at the end", what);
	return NULL;
}

/* -- values ------------------------------------------------------------------------ */

static int scenario_parse_number(struct words *w, unsigned most, unsigned *out)
{
	const char *word = scenario_parse_need(w, "a number");
	char *end;
	unsigned long n;

	if (!word)
		return -1;
	n = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || n > most)
		return err_set(w->err, "%.64s is not a number of at most %u", word,
			       most);
	*out = (unsigned)n;
	return 0;
}

/* "500ms", "30s", "2m": milliseconds. */
static int scenario_parse_time(struct words *w, int64_t *out)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	const char *word = scenario_parse_need(w, "a time");
	char *unit;
	unsigned long n;
	size_t i;

	if (!word)
		return -1;
	n = strtoul(word, &unit, 10);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*word >= '0' && *word <= '9' && n <= 1000000 &&
		    strcmp(units[i].unit, unit) == 0) {
			*out = (int64_t)n * units[i].ms;
			return 0;
		}
	return err_set(w->err, "%.64s is not a time such as 500ms, 30s or 2m", word);
}

static int scenario_parse_peer(struct words *w, struct addr *out)
{
	const char *word = scenario_parse_need(w, "an address");

	if (!word)
		return -1;
	if (addr_parse(word, out) < 0)
		return err_set(w->err, "%.64s is not an address", word);
	return 0;
}

static int scenario_parse_service(struct words *w, char out[16])
{
	const char *word = scenario_parse_need(w, "a service");

	if (!word)
		return -1;
	if (strlen(word) >= 16)
		return err_set(w->err, "%.64s is not a service", word);
	strcpy(out, word);
	return 0;
}

/* -- expectations ------------------------------------------------------------------ */

/* client ADDRESS [usable | heard] */
static int scenario_parse_client(struct words *w, struct scenario_expect *x)
{
	x->what = SCENARIO_CLIENT;
	if (scenario_parse_peer(w, &x->peer) < 0)
		return -1;
	x->heard = scenario_parse_take(w, "heard");
	if (!x->heard)
		scenario_parse_take(w, "usable");
	return 0;
}

static int scenario_parse_share(struct words *w, struct scenario_expect *x,
				unsigned most)
{
	if (scenario_parse_peer(w, &x->peer) < 0)
		return -1;
	return scenario_parse_number(w, most, &x->n);
}

/* service SERVICE buckets ADDRESS N | values ADDRESS N | clients N | assigned */
static int scenario_parse_of_service(struct words *w, struct scenario_expect *x)
{
	if (scenario_parse_service(w, x->service) < 0)
		return -1;
	if (scenario_parse_take(w, "assigned")) {
		x->what = SCENARIO_ASSIGNED;
		return 0;
	}
	if (scenario_parse_take(w, "clients")) {
		x->what = SCENARIO_CLIENTS;
		return scenario_parse_number(w, WCCP_MAX_CACHES, &x->n);
	}
	if (scenario_parse_take(w, "buckets")) {
		x->what = SCENARIO_BUCKETS;
		return scenario_parse_share(w, x, WCCP_BUCKETS);
	}
	if (scenario_parse_take(w, "values")) {
		x->what = SCENARIO_VALUES;
		return scenario_parse_share(w, x, ROUTER_MAX_VALUES);
	}
	return err_set(w->err,
		       "\"%.64s\": of a service there are assigned, clients, buckets "
		       "and values",
		       scenario_parse_peek(w));
}

static int scenario_parse_type(struct words *w, uint32_t *out)
{
	static const char *const types[] = { "here-i-am", "i-see-you",
					     "redirect-assign", "removal-query" };
	const char *word = scenario_parse_need(w, "a type of message");
	unsigned i;

	if (!word)
		return -1;
	for (i = 0; i < 4; i++)
		if (strcmp(types[i], word) == 0) {
			*out = WCCP_HERE_I_AM + i;
			return 0;
		}
	return err_set(w->err,
		       "%.64s is not one of: here-i-am, i-see-you, redirect-assign, "
		       "removal-query",
		       word);
}

/* message TYPE from|to ADDRESS */
static int scenario_parse_message(struct words *w, struct scenario_expect *x)
{
	x->what = SCENARIO_MESSAGE;
	if (scenario_parse_type(w, &x->type) < 0)
		return -1;
	if (scenario_parse_take(w, "from"))
		x->way = TRACE_RECEIVED;
	else if (scenario_parse_take(w, "to"))
		x->way = TRACE_SENT;
	else
		return err_set(w->err, "\"%.64s\": from or to, and an address",
			       scenario_parse_peek(w));
	return scenario_parse_peer(w, &x->peer);
}

/* [of SERVICE] [within TIME | for TIME] */
static int scenario_parse_rest(struct words *w, struct scenario_expect *x)
{
	bool timed;

	if (!x->service[0] && scenario_parse_take(w, "of") &&
	    scenario_parse_service(w, x->service) < 0)
		return -1;
	x->lasts = scenario_parse_take(w, "for");
	timed = x->lasts || scenario_parse_take(w, "within");
	if (x->what == SCENARIO_MESSAGE && (!timed || x->lasts != x->negated))
		return err_set(w->err, "a message is expected \"within\" a time, "
				       "no message \"for\" a time");
	return timed ? scenario_parse_time(w, &x->ms) : 0;
}

static int scenario_parse_expect(struct words *w, struct scenario_expect *x)
{
	int r;

	x->negated = scenario_parse_take(w, "no");
	if (scenario_parse_take(w, "client"))
		r = scenario_parse_client(w, x);
	else if (scenario_parse_take(w, "service"))
		r = scenario_parse_of_service(w, x);
	else if (scenario_parse_take(w, "message"))
		r = scenario_parse_message(w, x);
	else
		return err_set(w->err, "\"%.64s\": client, service or message?",
			       scenario_parse_peek(w));
	return r < 0 ? -1 : scenario_parse_rest(w, x);
}

/* -- steps ------------------------------------------------------------------------- */

static int scenario_parse_step(struct words *w, bool (*is_command)(const char *),
			       struct scenario_step *step)
{
	int r = 0;

	if (scenario_parse_take(w, "wait")) {
		step->kind = SCENARIO_WAIT;
		r = scenario_parse_time(w, &step->ms);
	} else if (scenario_parse_take(w, "at")) {
		step->kind = SCENARIO_AT;
		r = scenario_parse_time(w, &step->ms);
	} else if (scenario_parse_take(w, "expect")) {
		step->kind = SCENARIO_EXPECT;
		r = scenario_parse_expect(w, &step->expect);
	} else if (scenario_parse_take(w, "require")) {
		step->kind = SCENARIO_REQUIRE;
		r = scenario_parse_expect(w, &step->expect);
	} else if (is_command(scenario_parse_peek(w))) {
		step->kind = SCENARIO_COMMAND;
		w->next = w->n;
	} else {
		return err_set(w->err,
			       "\"%.64s\" is neither wait, at, expect, require nor a "
			       "command",
			       scenario_parse_peek(w));
	}
	if (r == 0 && w->next < w->n)
		return err_set(w->err, "\"%.64s\" is not understood",
			       scenario_parse_peek(w));
	return r;
}

/* What begins with # is a comment, up to the end of the line. */
static int scenario_parse_split(char *line, struct words *w)
{
	char *rest = NULL, *word;

	for (word = strtok_r(line, " \t\r\n", &rest); word && *word != '#';
	     word = strtok_r(NULL, " \t\r\n", &rest)) {
		if (w->n == MAX_WORDS)
			return err_set(w->err, "more than %d words", MAX_WORDS);
		w->list[w->n++] = word;
	}
	return 0;
}

static char *scenario_parse_join(const struct words *w)
{
	char *text = calloc(1, LINE_MAX_LEN), *at = text;
	unsigned i;

	for (i = 0; at && i < w->n; i++) {
		if (i)
			*at++ = ' ';
		at = stpcpy(at, w->list[i]);
	}
	return text;
}

static struct scenario_step *scenario_parse_add_step(struct scenario *s,
						     struct err *err)
{
	struct scenario_step *steps;

	if (s->n_steps == MAX_STEPS) {
		err_set(err, "more than %d steps", MAX_STEPS);
		return NULL;
	}
	steps = realloc(s->steps, (s->n_steps + 1) * sizeof(*steps));
	if (!steps) {
		err_set(err, "out of memory");
		return NULL;
	}
	s->steps = steps;
	steps += s->n_steps++;
	*steps = (struct scenario_step){ 0 };
	return steps;
}

static int scenario_parse_read_line(struct scenario *s, char *line, unsigned number,
				    bool (*is_command)(const char *), struct err *err)
{
	struct words w = { .err = err };
	struct scenario_step *step;

	if (strlen(line) == LINE_MAX_LEN - 1)
		return err_set(err, "more than %d characters", LINE_MAX_LEN - 2);
	if (scenario_parse_split(line, &w) < 0)
		return -1;
	if (w.n == 0)
		return 0;
	step = scenario_parse_add_step(s, err);
	if (!step)
		return -1;
	step->line = number;
	step->text = scenario_parse_join(&w);
	if (!step->text)
		return err_set(err, "out of memory");
	return scenario_parse_step(&w, is_command, step);
}

static int scenario_parse_read_file(struct scenario *s, FILE *f,
				    bool (*is_command)(const char *), struct err *err)
{
	char line[LINE_MAX_LEN];
	struct err why;
	unsigned number;

	for (number = 1; fgets(line, sizeof(line), f); number++)
		if (scenario_parse_read_line(s, line, number, is_command, &why) < 0)
			return err_set(err, "%s:%u: %s", s->path, number, why.text);
	if (ferror(f))
		return err_set(err, "%s: %s", s->path, strerror(errno));
	if (s->n_steps == 0)
		return err_set(err, "%s:%u: no steps", s->path, number);
	return 0;
}

struct scenario *scenario_load(const char *path, bool (*is_command)(const char *name),
			       struct err *err)
{
	struct scenario *s = calloc(1, sizeof(*s));
	char *text = malloc(SCENARIO_FILE_MAX);
	ssize_t n;
	FILE *f;
	int r = -1;

	if (!s || !text || !(s->path = strdup(path))) {
		err_set(err, "out of memory");
	} else if ((n = foreign_file_read(path, FOREIGN_LINKS_OURS, text, SCENARIO_FILE_MAX,
					  NULL, err)) >= 0) {
		f = n ? fmemopen(text, (size_t)n, "r") : fopen("/dev/null", "re");
		if (f) {
			r = scenario_parse_read_file(s, f, is_command, err);
			fclose(f);
		} else {
			err_set(err, "%s: %s", path, strerror(errno));
		}
	}
	free(text);
	if (r == 0)
		return s;
	scenario_free(s);
	return NULL;
}

void scenario_free(struct scenario *s)
{
	unsigned i;

	if (!s)
		return;
	for (i = 0; i < s->n_steps; i++)
		free(s->steps[i].text);
	free(s->steps);
	free(s->path);
	free(s);
}
