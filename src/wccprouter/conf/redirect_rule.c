/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of a redirect list, from text. */
#include "wccprouter/conf/redirect_rule.h"

#include "conffile/read.h"

#include <string.h>

enum { WORD_MAX = ADDR_STRLEN + 4 };

/* What is left of the text, word by word; `word` is "" at the end. */
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

static bool redirect_rule_has_bits_behind(const struct addr *a, unsigned bits)
{
	for (unsigned i = bits; i < 8 * addr_len(a); i++)
		if (a->octets[i / 8] >> (7 - i % 8) & 1)
			return true;
	return false;
}

/* An address, ADDRESS/LENGTH or any. */
static int redirect_rule_read_prefix(struct words *w, struct redirect_rule_end *out,
				     struct err *err)
{
	char text[WORD_MAX];
	char *slash;
	uint32_t bits;

	if (strcmp(w->word, "any") == 0)
		return redirect_rule_next_word(w, err);
	strcpy(text, w->word);
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (addr_parse(text, &out->prefix) < 0)
		return err_set(err, "\"%s\" is neither an address nor a prefix nor any",
			       w->word);
	bits = 8 * (uint32_t)addr_len(&out->prefix);
	if (slash && read_digits(slash + 1, bits, &bits) < 0)
		return err_set(err, "\"%s\": the length of a prefix is 0 to %u",
			       w->word, 8 * (unsigned)addr_len(&out->prefix));
	if (redirect_rule_has_bits_behind(&out->prefix, bits))
		return err_set(err, "\"%s\" has bits set behind its length", w->word);
	out->bits = (uint8_t)bits;
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

int redirect_rule_parse(const char *text, struct redirect_rule *out, struct err *err)
{
	const struct redirect_rule_end any = { .high = UINT16_MAX };
	struct words w = { .rest = text };

	*out = (struct redirect_rule){ .src = any, .dst = any };
	if (redirect_rule_read_action(&w, &out->permit, err) < 0)
		return -1;
	if (!*w.word)
		return err_set(err, "a rule needs a source");
	if (redirect_rule_read_end(&w, &out->src, err) < 0)
		return -1;
	if (*w.word && redirect_rule_read_end(&w, &out->dst, err) < 0)
		return -1;
	if (*w.word)
		return err_set(err, "\"%s\" is not expected there", w.word);
	if (addr_is_set(&out->src.prefix) && addr_is_set(&out->dst.prefix) &&
	    out->src.prefix.family != out->dst.prefix.family)
		return err_set(err, "source and destination are of different families");
	return 0;
}
