/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets which slot.
 *
 * A table keeps min(old count, quota) slots of each candidate where they are, and no
 * table with these quotas keeps more.  Only the quotas remain to be chosen: which
 * candidates with a fractional share get one of the units that are left after each has
 * its floor.  Such a unit saves a move exactly when its candidate held more than its
 * floor; such candidates come first, and the result is minimal.
 */
#include "assign.h"

#include <stdbool.h>
#include <string.h>

struct share {
	unsigned floor;     /* of n_slots * weight / total */
	uint32_t remainder; /* of the same division */
};

static void assign_count_owners(const uint8_t *owners, unsigned n_slots, unsigned n,
				unsigned *counts)
{
	memset(counts, 0, ASSIGN_MAX * sizeof(*counts));
	for (unsigned i = 0; i < n_slots; i++)
		if (owners[i] < n)
			counts[owners[i]]++;
}

/* Returns the number of units left when each has its floor. */
static unsigned assign_divide(const uint16_t *weights, unsigned n, unsigned n_slots,
			      struct share *shares)
{
	unsigned left = n_slots;
	uint32_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += weights[i];
	for (unsigned i = 0; i < n; i++) {
		/* At most 1024 * 65535 and 64 * 65535: no overflow. */
		uint32_t part = n_slots * (total ? weights[i] : 1u);
		uint32_t whole = total ? total : n;

		shares[i].floor = part / whole;
		shares[i].remainder = part % whole;
		left -= shares[i].floor;
	}
	return left;
}

/* Which of two candidates gets a remaining unit first; the lower index wins a tie. */
static bool assign_goes_first(const struct share *a, bool a_saves,
			      const struct share *b, bool b_saves)
{
	if (a_saves != b_saves)
		return a_saves;
	return a->remainder > b->remainder;
}

static void assign_set_quotas(const struct share *shares, const unsigned *counts,
			      unsigned n, unsigned left, unsigned *quotas)
{
	for (unsigned i = 0; i < n; i++)
		quotas[i] = shares[i].floor;
	while (left-- > 0) {
		unsigned best = n;

		for (unsigned i = 0; i < n; i++) {
			if (!shares[i].remainder || quotas[i] > shares[i].floor)
				continue;
			if (best == n ||
			    assign_goes_first(&shares[i], counts[i] > quotas[i],
					      &shares[best],
					      counts[best] > quotas[best]))
				best = i;
		}
		/* The remainders sum up to `left` whole shares, each less than
		 * one: more candidates have one than units are left. */
		if (best == n)
			return;
		quotas[best]++;
	}
}

/* Give each free slot back to its owner in `was` (if `also` names the same one), as
 * long as that owner has quota left. */
static void assign_keep(const uint8_t *was, const uint8_t *also, unsigned n_slots,
			unsigned n, unsigned *quotas, uint8_t *owners)
{
	for (unsigned i = 0; i < n_slots; i++) {
		uint8_t owner = was[i];

		if (owners[i] != ASSIGN_NOBODY || owner >= n || also[i] != owner ||
		    quotas[owner] == 0)
			continue;
		quotas[owner]--;
		owners[i] = owner;
	}
}

static void assign_fill(unsigned n_slots, unsigned n, unsigned *quotas, uint8_t *owners)
{
	unsigned next = 0;

	for (unsigned i = 0; i < n_slots; i++) {
		if (owners[i] != ASSIGN_NOBODY)
			continue;
		while (next < n && quotas[next] == 0)
			next++;
		if (next == n)
			return;
		quotas[next]--;
		owners[i] = (uint8_t)next;
	}
}

void assign_alike(const uint16_t *weights, unsigned n, const uint8_t *old,
		  const uint8_t *second, uint8_t *out, unsigned n_slots)
{
	unsigned counts[ASSIGN_MAX], quotas[ASSIGN_MAX];
	uint8_t owners[ASSIGN_SLOTS_MAX];
	struct share shares[ASSIGN_MAX];
	unsigned left;

	if (n > ASSIGN_MAX)
		n = ASSIGN_MAX;
	if (n_slots > ASSIGN_SLOTS_MAX)
		n_slots = ASSIGN_SLOTS_MAX;
	assign_count_owners(old, n_slots, n, counts);
	left = assign_divide(weights, n, n_slots, shares);
	assign_set_quotas(shares, counts, n, left, quotas);
	memset(owners, ASSIGN_NOBODY, n_slots);
	assign_keep(old, second, n_slots, n, quotas, owners);
	assign_keep(old, old, n_slots, n, quotas, owners);
	assign_keep(second, second, n_slots, n, quotas, owners);
	assign_fill(n_slots, n, quotas, owners);
	memcpy(out, owners, n_slots);
}

unsigned assign_slots(const uint16_t *weights, unsigned n, const uint8_t *old, uint8_t *out,
		      unsigned n_slots)
{
	uint8_t before[ASSIGN_SLOTS_MAX];
	unsigned moves = 0;

	if (n_slots > ASSIGN_SLOTS_MAX)
		n_slots = ASSIGN_SLOTS_MAX;
	memcpy(before, old, n_slots);
	assign_alike(weights, n, old, old, out, n_slots);
	for (unsigned i = 0; i < n_slots; i++)
		moves += out[i] != before[i];
	return moves;
}

unsigned assign_buckets(const uint16_t *weights, unsigned n,
			const struct assign_table *old, struct assign_table *out)
{
	return assign_slots(weights, n, old->owners, out->owners, ASSIGN_BUCKETS);
}

unsigned assign_count(const struct assign_table *t, unsigned i)
{
	unsigned n = 0;

	for (unsigned b = 0; b < ASSIGN_BUCKETS; b++)
		n += t->owners[b] == i;
	return n;
}
