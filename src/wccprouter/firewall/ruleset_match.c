/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a packet meet a condition of an nftables rule? */
#include "wccprouter/firewall/ruleset_match.h"

#include "json_get.h"

#include <netinet/in.h>
#include <string.h>

/* What an expression yields of the packet: a name, or a number. */
struct ruleset_field {
	enum ruleset_answer known; /* NO: the packet has no such field */
	const char *name;
	int number;
};

/* -- fields ------------------------------------------------------------------------ */

static const char *ruleset_protocol_name(int protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "";
}

static struct ruleset_field ruleset_name_field(const char *name)
{
	return (struct ruleset_field){ name ? RULESET_YES : RULESET_UNKNOWN, name, -1 };
}

static struct ruleset_field ruleset_meta(const struct ruleset_packet *p,
					 const char *key)
{
	if (strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0)
		return ruleset_name_field(p->in);
	if (strcmp(key, "oifname") == 0 || strcmp(key, "oif") == 0)
		return ruleset_name_field(p->out);
	if (strcmp(key, "nfproto") == 0)
		return ruleset_name_field(p->v6 ? "ipv6" : "ipv4");
	if (strcmp(key, "protocol") == 0)
		return ruleset_name_field(p->v6 ? "ip6" : "ip");
	if (strcmp(key, "l4proto") == 0)
		return (struct ruleset_field){ RULESET_YES,
					       ruleset_protocol_name(p->protocol),
					       p->protocol };
	return ruleset_name_field(NULL);
}

static struct ruleset_field ruleset_payload(const struct ruleset_packet *p,
					    const char *protocol, const char *field)
{
	bool source = strcmp(field, "sport") == 0;
	int port = source ? p->sport : p->dport;
	struct ruleset_field out = { port < 0 ? RULESET_UNKNOWN : RULESET_YES, "", port };

	if (strcmp(protocol, "ip") == 0 && strcmp(field, "protocol") == 0)
		return ruleset_meta(p, "l4proto");
	if ((strcmp(protocol, "ip") == 0 && p->v6) ||
	    (strcmp(protocol, "ip6") == 0 && !p->v6))
		return (struct ruleset_field){ RULESET_NO, "", -1 };
	if (strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0) {
		if (strcmp(protocol, ruleset_protocol_name(p->protocol)) != 0)
			return (struct ruleset_field){ RULESET_NO, "", -1 };
	} else if (strcmp(protocol, "th") != 0) {
		return ruleset_name_field(NULL);
	}
	if (!source && strcmp(field, "dport") != 0)
		return ruleset_name_field(NULL);
	return out;
}

static struct ruleset_field ruleset_field(const struct ruleset_packet *p,
					  const json_t *expression)
{
	static const char *const states[] = { "established", "invalid", "untracked" };
	const json_t *meta = json_get_member(expression, "meta");
	const json_t *payload = json_get_member(expression, "payload");
	const json_t *ct = json_get_member(expression, "ct");

	if (meta)
		return ruleset_meta(p, json_get_text(meta, "key"));
	if (payload)
		return ruleset_payload(p, json_get_text(payload, "protocol"),
				       json_get_text(payload, "field"));
	if (ct && strcmp(json_get_text(ct, "key"), "state") == 0)
		return ruleset_name_field(states[p->state]);
	return ruleset_name_field(NULL);
}

/* -- values ------------------------------------------------------------------------ */

/* A pattern may end in "*": "br*". */
static bool ruleset_fits_name(const char *name, const char *pattern)
{
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '*')
		return strncmp(name, pattern, n - 1) == 0;
	return strcmp(name, pattern) == 0;
}

static enum ruleset_answer ruleset_is(const struct ruleset_field *f, const json_t *value);

static enum ruleset_answer ruleset_is_one_of(const struct ruleset_field *f,
					     const json_t *list)
{
	enum ruleset_answer out = RULESET_NO;
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
	{
		enum ruleset_answer a = ruleset_is(f, item);

		if (a == RULESET_YES)
			return a;
		if (a == RULESET_UNKNOWN)
			out = a;
	}
	return out;
}

static enum ruleset_answer ruleset_is(const struct ruleset_field *f, const json_t *value)
{
	const json_t *set = json_get_member(value, "set");
	const json_t *range = json_get_member(value, "range");
	const json_t *elem = json_get_member(value, "elem");

	if (json_is_array(value))
		return ruleset_is_one_of(f, value);
	if (json_is_array(set))
		return ruleset_is_one_of(f, set);
	if (elem)
		return ruleset_is(f, json_get_member(elem, "val"));
	if (json_is_integer(value))
		return f->number == json_integer_value(value) ? RULESET_YES : RULESET_NO;
	if (json_is_string(value) && *json_string_value(value) != '@')
		return ruleset_fits_name(f->name, json_string_value(value)) ? RULESET_YES
									   : RULESET_NO;
	if (range)
		return f->number >= json_integer_value(json_array_get(range, 0)) &&
				       f->number <= json_integer_value(
							    json_array_get(range, 1))
			       ? RULESET_YES
			       : RULESET_NO;
	return RULESET_UNKNOWN;
}

/* -- conditions -------------------------------------------------------------------- */

enum ruleset_answer ruleset_match_value(const struct ruleset_packet *p,
					const json_t *expression, const json_t *value)
{
	struct ruleset_field f = ruleset_field(p, expression);

	return f.known == RULESET_YES ? ruleset_is(&f, value) : f.known;
}

enum ruleset_answer ruleset_match(const struct ruleset_packet *p, const json_t *match)
{
	const json_t *left = json_get_member(match, "left");
	const char *op = json_get_text(match, "op");
	enum ruleset_answer a =
		ruleset_match_value(p, left, json_get_member(match, "right"));

	if (strcmp(op, "==") == 0 || strcmp(op, "in") == 0)
		return a;
	if (strcmp(op, "!=") != 0)
		return RULESET_UNKNOWN;
	/* A packet without the field does not fit, whatever the condition. */
	if (a == RULESET_UNKNOWN || ruleset_field(p, left).known == RULESET_NO)
		return a;
	return a == RULESET_YES ? RULESET_NO : RULESET_YES;
}
