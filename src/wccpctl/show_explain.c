/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpctl/show_explain.h"

#include "json_get.h"
#include "wccpctl/table.h"

#include <stdlib.h>
#include <string.h>

enum { SHOW_EXPLAIN_WIDTH = 100 };

/* One line of the answer, written piece by piece. */
struct show_explain_line {
	char *text;
	size_t len;
	FILE *to;
};

static FILE *show_explain_begin(struct show_explain_line *line)
{
	*line = (struct show_explain_line){ 0 };
	line->to = open_memstream(&line->text, &line->len);
	if (!line->to) {
		perror("wccpctl");
		exit(EXIT_FAILURE);
	}
	return line->to;
}

static void show_explain_end(struct show_explain_line *line, const char *what,
			     struct table *t)
{
	fclose(line->to);
	table_cell(t, "%s", what);
	table_cell(t, "%s", line->text);
	free(line->text);
}

static bool show_explain_has(const json_t *o, const char *key)
{
	return strcmp(json_get_text(o, key), "-") != 0;
}

static void show_explain_connection(const json_t *answer, struct table *t)
{
	struct show_explain_line line;
	FILE *to = show_explain_begin(&line);

	fprintf(to, "TCP %s", json_get_text(answer, "source"));
	if (json_get_number(answer, "source_port"))
		fprintf(to, ":%lld", json_get_number(answer, "source_port"));
	fprintf(to, " > %s:%lld", json_get_text(answer, "destination"),
		json_get_number(answer, "destination_port"));
	if (show_explain_has(answer, "against"))
		fprintf(to, "; %s", json_get_text(answer, "against"));
	show_explain_end(&line, "connection", t);
}

static void show_explain_service(const json_t *answer, struct table *t)
{
	const json_t *fits = json_get_member(answer, "fits"), *other;
	struct show_explain_line line;
	FILE *to = show_explain_begin(&line);
	size_t i;

	if (show_explain_has(answer, "service"))
		fputs(json_get_text(answer, "service"), to);
	else
		fputs("none that it fits: if it is redirected here, it goes back", to);
	json_array_foreach(fits, i, other) if (i) fprintf(
		to, "%s%s", i == 1 ? ", which comes before what it fits, too: " : ", ",
		json_string_value(other));
	show_explain_end(&line, "service", t);
}

static void show_explain_slot(const json_t *answer, struct table *t)
{
	const json_t *slot = json_get_member(answer, "slot");
	bool by_mask = strcmp(json_get_text(slot, "method"), "mask") == 0;
	struct show_explain_line line;
	FILE *to = show_explain_begin(&line);

	fprintf(to, "%s %lld of %lld, by %s", by_mask ? "mask value" : "bucket",
		json_get_number(slot, "number"), json_get_number(slot, "of"),
		json_get_text(slot, "by"));
	if (show_explain_has(slot, "alternate_by"))
		fprintf(to, "; if it is a hot one, bucket %lld, by %s",
			json_get_number(slot, "alternate"),
			json_get_text(slot, "alternate_by"));
	if (!json_get_number(answer, "source_port") &&
	    (strstr(json_get_text(slot, "by"), "src-port") ||
	     strstr(json_get_text(slot, "alternate_by"), "src-port")))
		fputs(" (as for source port 0: name it)", to);
	show_explain_end(&line, "slot", t);
}

static void show_explain_owners(const json_t *answer, struct table *t)
{
	const json_t *owner;
	struct show_explain_line line;
	FILE *to = show_explain_begin(&line);
	size_t i;

	json_array_foreach(json_get_member(answer, "owners"), i, owner) fprintf(
		to, "%s%s%s (router %s)", i ? ", " : "",
		show_explain_has(owner, "cache") ? json_get_text(owner, "cache") : "nobody",
		json_get_true(owner, "this") ? ", this one" : "",
		json_get_text(owner, "router"));
	if (i == 0)
		fputs("not known: no router has us in its view", to);
	show_explain_end(&line, "web-cache", t);
	if (!show_explain_has(answer, "before"))
		return;
	to = show_explain_begin(&line);
	fprintf(to,
		"%s: packets of connections that nobody here knows are handed over to it",
		json_get_text(answer, "before"));
	show_explain_end(&line, "before", t);
}

/* What chooses the instance: the word that the configuration has, and what it means. */
static void show_explain_key(const json_t *answer, FILE *to)
{
	static const struct {
		const char *word, *meaning;
	} keys[] = {
		{ "flow", "addresses and ports" },
		{ "source", "the client's address" },
		{ "destination", "the server's address" },
		{ "cpu", "the processor that it comes in on" },
	};
	const char *word = json_get_text(answer, "spread");

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].word, word) == 0)
			fprintf(to, "by %s (spread = %s)", keys[i].meaning, word);
}

static void show_explain_ranks(const json_t *answer, FILE *to)
{
	const json_t *rank;
	size_t i;

	if (show_explain_has(answer, "instance"))
		fprintf(to, "%s/%s, rank %lld", json_get_text(answer, "pool"),
			json_get_text(answer, "instance"),
			json_get_number(answer, "rank") + 1);
	else
		fputs("none", to);
	fputs(", ", to);
	show_explain_key(answer, to);
	fputs("; in the order", to);
	json_array_foreach(json_get_member(answer, "ranks"), i, rank) fprintf(
		to, "%s %s%s", i ? "," : "", json_get_text(rank, "instance"),
		json_get_true(rank, "listens") ? "" : " (does not listen)");
	if (i == 0)
		fputs(" nobody", to);
}

static void show_explain_shares(const json_t *answer, FILE *to)
{
	const json_t *share;
	size_t i;

	show_explain_key(answer, to);
	fputs(":", to);
	json_array_foreach(json_get_member(answer, "shares"), i, share) fprintf(
		to, "%s %s/%s %lld of %lld", i ? "," : "", json_get_text(answer, "pool"),
		json_get_text(share, "instance"), json_get_number(share, "buckets"),
		json_get_number(answer, "pool_buckets"));
	if (i == 0)
		fputs(" nobody", to);
}

/* Does any router send it to this machine? */
static bool show_explain_is_ours(const json_t *answer)
{
	const json_t *owner;
	size_t i;

	json_array_foreach(json_get_member(answer, "owners"), i, owner)
		if (json_get_true(owner, "this"))
			return true;
	return false;
}

static void show_explain_instance(const json_t *answer, struct table *t)
{
	struct show_explain_line line;
	FILE *to = show_explain_begin(&line);

	if (show_explain_has(answer, "service") && !show_explain_is_ours(answer))
		fputs("if it came here: ", to);
	if (!show_explain_has(answer, "pool"))
		fputs("none: no instance of a pool takes this port", to);
	else if (json_get_true(answer, "decided"))
		show_explain_ranks(answer, to);
	else
		show_explain_shares(answer, to);
	show_explain_end(&line, "instance", t);
	if (show_explain_has(answer, "delivery")) {
		table_cell(t, "delivery");
		table_cell(t, "%s", json_get_text(answer, "delivery"));
	}
}

void show_explain_print(const json_t *answer, FILE *to)
{
	struct table *t = table_new("WHAT|HOW AND WHY");

	show_explain_connection(answer, t);
	show_explain_service(answer, t);
	if (show_explain_has(answer, "service")) {
		show_explain_slot(answer, t);
		show_explain_owners(answer, t);
	}
	show_explain_instance(answer, t);
	table_print_wrapped(t, SHOW_EXPLAIN_WIDTH, to);
}
