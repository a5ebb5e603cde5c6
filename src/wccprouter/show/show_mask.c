/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mask assignment as JSON, and that as text. */
#include "wccprouter/show/show_mask.h"

#include "mask.h"

#include <string.h>

/* -- JSON -------------------------------------------------------------------------- */

static json_t *show_mask_hex16(uint16_t n)
{
	return json_sprintf("0x%04x", n);
}

/* Routers print masks of IPv4 addresses in hexadecimal. */
static json_t *show_mask_hex_address(const struct addr *a)
{
	if (a->family == ADDR_V6)
		return json_string(ADDR_TEXT(a));
	return json_sprintf("0x%08x", (unsigned)addr_to_v4(a));
}

static json_t *show_mask_fields(const struct wccp_mask *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "src", show_mask_hex_address(&m->src));
	json_object_set_new(o, "dst", show_mask_hex_address(&m->dst));
	json_object_set_new(o, "sport", show_mask_hex16(m->sport));
	json_object_set_new(o, "dport", show_mask_hex16(m->dport));
	return o;
}

json_t *show_mask_sets(const struct router_masks *m)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < m->n_sets; i++) {
		json_t *o = show_mask_fields(&m->sets[i].mask);

		json_object_set_new(o, "values", json_integer(m->sets[i].n));
		json_array_append_new(list, o);
	}
	return list;
}

json_t *show_mask_values(const struct router_masks *m, const struct addr *cache)
{
	int index = addr_find(m->caches, m->n_caches, cache);
	json_t *list = json_array();
	unsigned s, i;

	for (s = 0; s < m->n_sets; s++)
		for (i = m->sets[s].first; i < m->sets[s].first + m->sets[s].n; i++) {
			json_t *o;

			if (m->values[i].cache != index)
				continue;
			o = show_mask_fields(&m->values[i].match);
			json_object_set_new(o, "mask", json_integer(s));
			json_array_append_new(list, o);
		}
	return list;
}

/* All values that the masks can have; at most that of 32 bits. */
unsigned long long show_mask_slots(const struct router_masks *m)
{
	unsigned long long slots = 0;
	unsigned i;

	for (i = 0; i < m->n_sets; i++) {
		unsigned bits = mask_bits(&m->sets[i].mask);

		slots += 1ull << (bits < 32 ? bits : 32);
	}
	return slots;
}

/* -- text, as routers print it ----------------------------------------------------- */

static const char *show_mask_text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "-";
}

static void show_mask_print_header(const char *what, FILE *to)
{
	fprintf(to, "\n        %-5s %-10s %-10s %-7s %s\n", what, "SrcAddr", "DstAddr",
		"SrcPort", "DstPort");
	fprintf(to, "        %-5s %-10s %-10s %-7s %s\n", "-----", "-------", "-------",
		"-------", "-------");
}

static void show_mask_print_fields(size_t number, const json_t *o, FILE *to)
{
	fprintf(to, "        %04zu: %-10s %-10s %-7s %s\n", number,
		show_mask_text_of(o, "src"), show_mask_text_of(o, "dst"),
		show_mask_text_of(o, "sport"), show_mask_text_of(o, "dport"));
}

void show_mask_text(const json_t *service, const json_t *client, FILE *to)
{
	const json_t *masks = json_object_get(service, "masks");
	const json_t *values = json_object_get(client, "mask_values"), *o;
	long long slots = json_integer_value(json_object_get(service, "mask_slots"));
	size_t i, n = json_array_size(values);

	fprintf(to, "        %-24s %zu of %lld (%.2f%%)\n", "Mask Allotment:", n, slots,
		slots ? (double)n * 100 / (double)slots : 0);
	fprintf(to, "        %-24s %zu/%zu\n",
		"Assigned masks/values:", json_array_size(masks), n);
	if (!n)
		return;
	show_mask_print_header("Mask", to);
	json_array_foreach((json_t *)masks, i, o) show_mask_print_fields(i, o, to);
	show_mask_print_header("Value", to);
	json_array_foreach((json_t *)values, i, o) show_mask_print_fields(i, o, to);
}
