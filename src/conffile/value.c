/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text of an option means. */
#include "conffile/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool read_is_set(cfg_t *section, const char *name)
{
	return cfg_size(section, name) > 0;
}

int read_require(struct reader *r, cfg_t *section, const char *name)
{
	if (read_is_set(section, name))
		return 0;
	if (cfg_title(section))
		return read_fail(r, section, NULL, "%s %s has no %s", cfg_name(section),
				 cfg_title(section), name);
	return read_fail(r, section, NULL, "no %s", name);
}

int read_text_item(struct reader *r, cfg_t *section, const char *name, unsigned index,
		   char *out, size_t size)
{
	const char *text = cfg_getnstr(section, name, index);

	if (!*text)
		return read_fail_item(r, section, name, index, "%s: empty", name);
	if (strlen(text) >= size)
		return read_fail_item(r, section, name, index,
				      "%s: longer than %zu octets", name, size - 1);
	strcpy(out, text);
	return 0;
}

int read_text(struct reader *r, cfg_t *section, const char *name, char *out,
	      size_t size)
{
	if (!read_is_set(section, name))
		return 0;
	return read_text_item(r, section, name, 0, out, size);
}

int read_path(struct reader *r, cfg_t *section, const char *name, char *out,
	      size_t size)
{
	if (!read_is_set(section, name))
		return 0;
	if (read_text(r, section, name, out, size) < 0)
		return -1;
	if (out[0] != '/')
		return read_fail(r, section, name, "%s: %s does not begin with a slash",
				 name, out);
	return 0;
}

int read_path_or_none(struct reader *r, cfg_t *section, const char *name, char *out,
		      size_t size)
{
	if (!read_is_set(section, name) || strcmp(cfg_getstr(section, name), "none") != 0)
		return read_path(r, section, name, out, size);
	return read_text(r, section, name, out, size);
}

int read_digits(const char *text, uint32_t most, uint32_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	unsigned long long value;

	if (!*digits || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") !=
				strlen(digits))
		return -1;
	errno = 0;
	value = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno || value > most)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

int read_number(struct reader *r, cfg_t *section, const char *name, uint32_t least,
		uint32_t most, uint32_t *out)
{
	const char *text;
	uint32_t value;

	if (!read_is_set(section, name))
		return 0;
	text = cfg_getstr(section, name);
	if (read_digits(text, most, &value) < 0 || value < least)
		return read_fail(r, section, name,
				 "%s: %s is not a number from %u to %u", name, text,
				 least, most);
	*out = value;
	return 0;
}

int read_number16(struct reader *r, cfg_t *section, const char *name, uint16_t least,
		  uint16_t *out)
{
	uint32_t value = *out;

	if (read_number(r, section, name, least, UINT16_MAX, &value) < 0)
		return -1;
	*out = (uint16_t)value;
	return 0;
}

int read_host(struct reader *r, cfg_t *section, const char *name, unsigned index,
	      struct addr *out)
{
	const char *text, *wrong = NULL;
	struct addr a;

	if (index >= cfg_size(section, name))
		return 0;
	text = cfg_getnstr(section, name, index);
	if (addr_parse(text, &a) < 0)
		wrong = "is not an IPv4 address";
	else if (a.family == ADDR_V6)
		wrong = "is IPv6, which is not supported yet";
	else if (a.octets[0] >= 224 && a.octets[0] < 240)
		wrong = "is multicast, which is not supported yet";
	else if (a.octets[0] == 0 || a.octets[0] >= 240)
		wrong = "is not the address of a host";
	if (wrong)
		return read_fail_item(r, section, name, index, "%s: %s %s", name, text,
				      wrong);
	*out = a;
	return 0;
}

/* Why `a` cannot be the address of a host, or NULL. */
static const char *read_not_a_host(const struct addr *a)
{
	static const uint8_t zero[15];
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *o = a->octets;

	if (a->family == ADDR_V4) {
		if (o[0] >= 224 && o[0] < 240)
			return "is multicast";
		if (o[0] == 0 || o[0] >= 240)
			return "is not the address of a host";
		return NULL;
	}
	if (o[0] == 0xff)
		return "is multicast";
	/* It is meaningful only together with an interface. */
	if (o[0] == 0xfe && (o[1] & 0xc0) == 0x80)
		return "is link-local";
	if (memcmp(o, zero, sizeof(zero)) == 0 ||
	    memcmp(o, mapped, sizeof(mapped)) == 0)
		return "is not the address of a host";
	return NULL;
}

int read_address(struct reader *r, cfg_t *section, const char *name, unsigned index,
		 struct addr *out)
{
	const char *text, *wrong;
	struct addr a;

	if (index >= cfg_size(section, name))
		return 0;
	text = cfg_getnstr(section, name, index);
	if (addr_parse(text, &a) < 0)
		wrong = "is not an IP address";
	else
		wrong = read_not_a_host(&a);
	if (wrong)
		return read_fail_item(r, section, name, index, "%s: %s %s", name, text,
				      wrong);
	*out = a;
	return 0;
}

int read_multicast_address(struct reader *r, cfg_t *section, const char *name,
			   struct addr *out)
{
	const char *text;
	struct addr a;
	bool is;

	if (!read_is_set(section, name))
		return 0;
	text = cfg_getstr(section, name);
	if (addr_parse(text, &a) < 0)
		return read_fail(r, section, name, "%s: %s is not an IP address", name,
				 text);
	is = a.family == ADDR_V6 ? a.octets[0] == 0xff : (a.octets[0] & 0xf0) == 224;
	if (!is)
		return read_fail(r, section, name, "%s: %s is not multicast", name,
				 text);
	*out = a;
	return 0;
}

int read_flag(struct reader *r, cfg_t *section, const char *name, bool *out)
{
	static const char *const words[] = { "false", "true", NULL };
	unsigned which = *out;

	if (read_word(r, section, name, 0, words, &which) < 0)
		return -1;
	*out = which == 1;
	return 0;
}

static void read_join(const char *const *words, char *out, size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; words[i] && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
					 words[i]);
}

int read_word(struct reader *r, cfg_t *section, const char *name, unsigned index,
	      const char *const *words, unsigned *out)
{
	const char *text;
	char all[100];

	if (index >= cfg_size(section, name))
		return 0;
	text = cfg_getnstr(section, name, index);
	for (unsigned i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	read_join(words, all, sizeof(all));
	return read_fail_item(r, section, name, index, "%s: %s is not one of: %s", name,
			      text, all);
}
