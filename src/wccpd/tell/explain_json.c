/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/tell/explain_json.h"

#include <stdlib.h>

/* -- the question ---------------------------------------------------------------------- */

static int explain_json_parse_address(const char *word, struct addr *out, struct err *err)
{
	if (addr_parse(word, out) < 0)
		return err_set(err, "%s: not an address", word);
	return 0;
}

static int explain_json_parse_port(const char *word, uint16_t *out, struct err *err)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (*word < '0' || *word > '9' || *end || n == 0 || n > 65535)
		return err_set(err, "%s: not a port", word);
	*out = (uint16_t)n;
	return 0;
}

int explain_json_parse(unsigned n, char *const *words, struct dp_connection *out,
		       struct err *err)
{
	*out = (struct dp_connection){ .dport = 80 };
	if (n < 2)
		return err_set(err, "explain: it takes SRC DST [DPORT [SPORT]]");
	if (explain_json_parse_address(words[0], &out->src, err) < 0 ||
	    explain_json_parse_address(words[1], &out->dst, err) < 0)
		return -1;
	if (n > 2 && explain_json_parse_port(words[2], &out->dport, err) < 0)
		return -1;
	return n > 3 ? explain_json_parse_port(words[3], &out->sport, err) : 0;
}

/* -- the answer ------------------------------------------------------------------------ */

static json_t *explain_json_text(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *explain_json_address(const struct addr *a)
{
	return addr_is_set(a) ? json_string(ADDR_TEXT(a)) : json_null();
}

static json_t *explain_json_services(const struct plan *plan,
				     const struct dp_explanation *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->n_fitting; i++)
		if (e->fitting[i] < plan->n_services)
			json_array_append_new(
				list, json_string(plan->services[e->fitting[i]].name));
	return list;
}

/* -1: nobody, or that is not decided by what is known. */
static int explain_json_chosen(const struct dp_explanation *e)
{
	for (unsigned i = 0; i < e->n_ranks; i++)
		if (e->ranks[i].listens)
			return (int)i;
	return -1;
}

static json_t *explain_json_ranks(const struct dp_explanation *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->n_ranks; i++)
		json_array_append_new(list, json_pack("{s:s, s:b}", "instance",
						      e->ranks[i].instance, "listens",
						      e->ranks[i].listens));
	return list;
}

static json_t *explain_json_shares(const struct dp_explanation *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->n_shares; i++)
		json_array_append_new(list, json_pack("{s:s, s:i}", "instance",
						      e->shares[i].instance, "buckets",
						      (int)e->shares[i].parts));
	return list;
}

json_t *explain_json(const struct plan *plan, const struct dp_connection *c,
		     const struct dp_explanation *e)
{
	json_t *fits = explain_json_services(plan, e), *answer;
	int rank = explain_json_chosen(e);

	answer = json_pack(
		"{s:o, s:o, s:i, s:o, s:o, s:O?, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:i, s:o}",
		"source", explain_json_address(&c->src), "destination",
		explain_json_address(&c->dst), "destination_port", (int)c->dport,
		"source_port", c->sport ? json_integer(c->sport) : json_null(), "against",
		explain_json_text(e->against), "service", json_array_get(fits, 0), "fits",
		fits, "before", explain_json_address(&e->former), "pool",
		explain_json_text(e->pool), "instance",
		explain_json_text(rank < 0 ? NULL : e->ranks[rank].instance), "rank",
		rank < 0 ? json_null() : json_integer(rank), "spread",
		explain_json_text(e->pool[0] ? conf_spread_name(e->spread) : NULL),
		"decided", (int)e->decided, "pool_buckets", (int)e->n_parts, "ranks",
		explain_json_ranks(e));
	json_object_set_new(answer, "shares", explain_json_shares(e));
	return answer;
}

static json_t *explain_json_owners(json_t *answer, const struct cache *cache,
				   unsigned slot, const struct addr *self,
				   const struct addr *former)
{
	struct cache_slot_owner owners[WCCP_MAX_ROUTERS];
	unsigned n = cache_get_slot_owners(cache, slot, owners);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		/* Who has it now is none who had it before. */
		if (addr_is_set(former) && addr_equal(&owners[i].cache, former))
			json_object_set_new(answer, "before", json_null());
		json_array_append_new(
			list, json_pack("{s:o, s:o, s:b}", "router",
					explain_json_address(&owners[i].router), "cache",
					explain_json_address(&owners[i].cache), "this",
					addr_equal(&owners[i].cache, self)));
	}
	return list;
}

void explain_json_add_slot(json_t *answer, const struct dp_explanation *e,
			   const struct cache *cache, const struct cache_status *st)
{
	struct conf_description d = conf_describe(&st->service);
	bool alternate = !st->by_mask && d.alternate[0] != '-';

	json_object_set_new(
		answer, "slot",
		json_pack("{s:s, s:s, s:i, s:i, s:o, s:o}", "method",
			  st->by_mask ? "mask" : "hash", "by",
			  st->by_mask ? conf_mask_text(&st->mask).s : d.hash, "number",
			  (int)e->slot, "of", (int)st->n_slots, "alternate_by",
			  explain_json_text(alternate ? d.alternate : NULL), "alternate",
			  alternate ? json_integer(e->alternate) : json_null()));
	json_object_set_new(answer, "owners",
			    explain_json_owners(answer, cache, e->slot, &st->self,
						&e->former));
}
