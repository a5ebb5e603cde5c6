/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several sections have in common: names and lists of methods. */
#include "wccpd/conf/conf_sections.h"

#include <ctype.h>
#include <string.h>

int conf_part_name(struct reader *r, cfg_t *section, char *out, size_t size)
{
	const char *title = cfg_title(section);

	if (strlen(title) >= size)
		return read_fail(r, section, NULL, "%s: name longer than %zu octets",
				 cfg_name(section), size - 1);
	for (const char *c = title; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			title = "";
	if (!*title)
		return read_fail(r, section, NULL,
				 "%s: its name may have letters, digits, \".\", \"_\" "
				 "and \"-\" only",
				 cfg_name(section));
	strcpy(out, title);
	return 0;
}

int conf_part_methods(struct reader *r, cfg_t *section, const char *name,
		      const char *const *words, const uint32_t *bits,
		      struct cache_preference *out)
{
	unsigned n = cfg_size(section, name), which = 0;

	if (n == 0)
		return 0;
	out->n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (read_word(r, section, name, i, words, &which) < 0)
			return -1;
		for (unsigned j = 0; j < out->n; j++)
			if (out->methods[j] == bits[which])
				return read_fail_item(r, section, name, i,
						      "%s: %s is listed twice", name,
						      words[which]);
		out->methods[out->n++] = bits[which];
	}
	return 0;
}
