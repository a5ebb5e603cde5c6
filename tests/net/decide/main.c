/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide SEED PACKETS: compare PACKETS of each kind, under random service groups that
 * change all the while.  For tests/net/test_decide.py, which makes the namespace.
 * Exit code 1, and the packet, at the first difference.
 */
#include "decide.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONFIGURATIONS = 20, CHANGES = 6 /* of each */ };

static const char *const kind_names[KINDS] = {
	[IPV4] = "IPv4",	  [IPV6] = "IPv6",
	[FRAGMENT] = "fragments", [EXTENDED] = "options, extension headers",
	[VLAN] = "VLAN",	  [LEAVING] = "leaving",
};

static const char *const verdict_names[VERDICTS] = {
	[NOT_OURS] = "no service", [EXEMPT] = "exempt",
	[DENIED] = "denied",	   [UNASSIGNED] = "unassigned",
	[REFUSED] = "closed",	   [EXPIRED] = "expired",
	[BY_HASH] = "hash",	   [BY_ALTERNATE_HASH] = "alt. hash",
	[BY_MASK] = "mask",
};

static struct world world;
static unsigned long counts[KINDS][VERDICTS];

static void dump(const struct sample *s, const struct decision *d, const char *why)
{
	fprintf(stderr, "%s\nexpected: %s, service %u", why, verdict_names[d->verdict],
		d->service);
	if (addr_is_set(&d->cache))
		fprintf(stderr, ", to %s by %s, header %02x%02x%02x%02x",
			ADDR_TEXT(&d->cache), d->gre ? "GRE" : "L2", d->header[0],
			d->header[1], d->header[2], d->header[3]);
	fprintf(stderr, "\nframe:");
	for (unsigned i = 0; i < s->len; i++)
		fprintf(stderr, "%s%02x", i == s->l3 ? " | " : "", s->frame[i]);
	fputc('\n', stderr);
}

static int compare(enum kind kind, unsigned n)
{
	while (n--) {
		struct sample s;
		struct decision d;
		struct err err;

		sample_make(&s, kind, &world);
		d = reference_decide(&world, &s);
		if (kernel_compare(&s, &d, &err) < 0) {
			dump(&s, &d, err.text);
			return -1;
		}
		counts[kind][d.verdict]++;
	}
	return 0;
}

/* One state of the service groups: a share of the packets of each kind. */
static int turn(unsigned share)
{
	struct err err;

	world_change(&world);
	kernel_change(&world);
	for (int kind = 0; kind < KINDS; kind++)
		if (compare((enum kind)kind, share) < 0)
			return -1;
	if (kernel_compare_counters(&world, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static int compare_all(unsigned packets)
{
	unsigned left = packets;

	for (unsigned c = 0; c < CONFIGURATIONS; c++) {
		world_configure(&world);
		kernel_open(&world);
		for (unsigned i = 0; i < CHANGES; i++) {
			unsigned turns = (CONFIGURATIONS - c) * CHANGES - i;
			unsigned share = left / turns;

			left -= share;
			if (turn(share) < 0) {
				fprintf(stderr, "configuration %u, state %u\n", c, i);
				kernel_close();
				return -1;
			}
		}
		kernel_close();
	}
	return 0;
}

static void print(void)
{
	printf("%-28s%10s", "", "compared");
	for (int v = 0; v < VERDICTS; v++)
		printf("%12s", verdict_names[v]);
	putchar('\n');
	for (int k = 0; k < KINDS; k++) {
		unsigned long all = 0;

		for (int v = 0; v < VERDICTS; v++)
			all += counts[k][v];
		printf("%-28s%10lu", kind_names[k], all);
		for (int v = 0; v < VERDICTS; v++)
			printf("%12lu", counts[k][v]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: decide SEED PACKETS\n");
		return 2;
	}
	chance_seed(strtoull(argv[1], NULL, 0));
	if (compare_all((unsigned)strtoul(argv[2], NULL, 0)) < 0) {
		fprintf(stderr, "seed %s\n", argv[1]);
		return 1;
	}
	print();
	return 0;
}
