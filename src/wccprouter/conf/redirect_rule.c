/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of a redirect list, from text. */
#include "wccprouter/conf/redirect_rule.h"

#include "conffile/read.h"

#include <netinet/in.h>
#include <string.h>

enum { WORD_MAX = ADDR_STRLEN + 4 };

/* The rest of the text, word by word; `word` is "" at the end. */
struct words {
	const char *rest;
	char word[WORD_MAX];
};

static int redirect_rule_next_word(struct words *w, struct err *err)
{
	size_t n;

	w->rest += strspn(w->rest, " \t\n");
	n = strcspn(w->rest, " \t\n");
	if (n >= sizeof(w->word))
		return err_set(err, "\"%.*s...\" is neither an address nor a prefix",
			       WORD_MAX, w->rest);
	memcpy(w->word, w->rest, n);
	w->word[n] = '\0';
	w->rest += n;
	return 0;
}

static int redirect_rule_read_action(struct words *w, bool *permit, struct err *err)
{
	if (redirect_rule_next_word(w, err) < 0)
		return -1;
	*permit = strcmp(w->word, "permit") == 0;
	if (!*permit && strcmp(w->word, "deny") != 0)
		return err_set(err, "a rule begins with permit or deny, not \"%s\"",
			       w->word);
	return redirect_rule_next_word(w, err);
}

/* A name or a number; anything else is left to be read as the source. */
static int redirect_rule_read_protocol(struct words *w, struct redirect_rule *out,
				       struct err *err)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = { { "tcp", IPPROTO_TCP },
		      { "udp", IPPROTO_UDP },
		      { "icmp", IPPROTO_ICMP },
		      { "icmpv6", IPPROTO_ICMPV6 } };
	uint32_t number;

	if (strcmp(w->word, "ip") == 0)
		return redirect_rule_next_word(w, err);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(w->word, names[i].name) == 0) {
			out->has_protocol = true;
			out->protocol = names[i].number;
			return redirect_rule_next_word(w, err);
		}
	if (read_digits(w->word, UINT32_MAX, &number) < 0)
		return 0;
	if (number > UINT8_MAX)
		return err_set(err, "protocol: \"%s\" is not a number from 0 to 255",
			       w->word);
	out->has_protocol = true;
	out->protocol = (uint8_t)number;
	return redirect_rule_next_word(w, err);
}

/* An address, ADDRESS/LENGTH or any. */
static int redirect_rule_read_prefix(struct words *w, struct redirect_rule_end *out,
				     struct err *err)
{
	struct addr_prefix prefix;

	if (strcmp(w->word, "any") == 0)
		return redirect_rule_next_word(w, err);
	if (addr_prefix_parse(w->word, &prefix, err) < 0)
		return -1;
	out->prefix = prefix.addr;
	out->bits = prefix.bits;
	return redirect_rule_next_word(w, err);
}

/* N or N-M */
static int redirect_rule_read_ports(struct words *w, struct redirect_rule_end *out,
				    struct err *err)
{
	char text[WORD_MAX];
	uint32_t low, high;
	char *dash;

	if (strcmp(w->word, "port") != 0)
		return 0;
	if (redirect_rule_next_word(w, err) < 0)
		return -1;
	strcpy(text, w->word);
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (read_digits(text, UINT16_MAX, &low) < 0 ||
	    read_digits(dash ? dash + 1 : text, UINT16_MAX, &high) < 0 || low > high)
		return err_set(err, "port: \"%s\" is neither a port nor two, N-M",
			       w->word);
	out->has_ports = true;
	out->low = (uint16_t)low;
	out->high = (uint16_t)high;
	return redirect_rule_next_word(w, err);
}

static int redirect_rule_read_end(struct words *w, struct redirect_rule_end *out,
				  struct err *err)
{
	return redirect_rule_read_prefix(w, out, err) < 0
		       ? -1
		       : redirect_rule_read_ports(w, out, err);
}

/* Refuse rules that contradict themselves and would never fit. */
static int redirect_rule_check(const struct redirect_rule *r, struct err *err)
{
	bool ports = r->src.has_ports || r->dst.has_ports;

	if (addr_is_set(&r->src.prefix) && addr_is_set(&r->dst.prefix) &&
	    r->src.prefix.family != r->dst.prefix.family)
		return err_set(err, "source and destination are of different families");
	if (ports && r->has_protocol && r->protocol != IPPROTO_TCP &&
	    r->protocol != IPPROTO_UDP)
		return err_set(err, "protocol %u has no ports", r->protocol);
	return 0;
}

int redirect_rule_parse(const char *text, struct redirect_rule *out, struct err *err)
{
	const struct redirect_rule_end any = { .high = UINT16_MAX };
	struct words w = { .rest = text };

	*out = (struct redirect_rule){ .src = any, .dst = any };
	if (redirect_rule_read_action(&w, &out->permit, err) < 0 ||
	    redirect_rule_read_protocol(&w, out, err) < 0)
		return -1;
	if (!*w.word)
		return err_set(err, "a rule needs a source");
	if (redirect_rule_read_end(&w, &out->src, err) < 0)
		return -1;
	if (*w.word && redirect_rule_read_end(&w, &out->dst, err) < 0)
		return -1;
	if (*w.word)
		return err_set(err, "\"%s\" is not expected there", w.word);
	return redirect_rule_check(out, err);
}
