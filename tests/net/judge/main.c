/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge SEED PACKETS: compare PACKETS of each kind, under random plans that change all
 * the while.  For tests/net/test_judge.py, which makes the namespace.  Exit code 1, and
 * the packet, at the first difference.
 */
#include "judge.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 4, CHANGES = 6 /* of each */ };

static const char *const kind_names[KINDS] = {
	[PLAIN] = "plain", [OPTIONS] = "options", [FRAGMENTS] = "fragments",
	[MASK] = "mask",   [HASH] = "hash",	  [VLAN] = "VLAN",
};

static struct plan plan;
static unsigned long counts[KINDS][INGRESS_REASONS], passed[KINDS];

static void dump(const struct sample *s, const struct judgement *j, const char *why)
{
	fprintf(stderr, "%s\nexpected: %s, service %d, sending %d\nframe:", why,
		j->ours ? dp_reason_name(j->reason) : "left alone", j->service,
		j->sending);
	for (unsigned i = 0; i < s->len; i++)
		fprintf(stderr, "%s%02x", i == ETHERNET || i == s->inner_at ? " | " : "",
			s->frame[i]);
	fputc('\n', stderr);
}

static int compare(enum kind kind, unsigned n)
{
	while (n--) {
		struct sample s;
		struct judgement j;
		struct err err;

		packet_make(&s, kind, &plan);
		j = expectation(&plan, &s);
		if (program_compare(&s, &j, &err) < 0) {
			dump(&s, &j, err.text);
			return -1;
		}
		if (j.ours && j.reason < INGRESS_REASONS)
			counts[kind][j.reason]++;
		else
			passed[kind]++;
	}
	return 0;
}

/* One state of the plan: a share of the packets of each kind. */
static int turn(unsigned share)
{
	struct err err;

	plan_change(&plan);
	for (int kind = 0; kind < KINDS; kind++) {
		plan_set_assignment(&plan, (enum kind)kind);
		program_change(&plan);
		if (compare((enum kind)kind, share) < 0)
			return -1;
	}
	if (program_compare_counters(&plan, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static int compare_all(unsigned packets)
{
	unsigned left = packets;

	for (unsigned r = 0; r < ROUNDS; r++) {
		plan_begin(&plan);
		packet_begin();
		expectation_begin();
		program_open();
		for (unsigned i = 0; i < CHANGES; i++) {
			unsigned share = left / ((ROUNDS - r) * CHANGES - i);

			left -= share;
			if (turn(share) < 0) {
				fprintf(stderr, "round %u, state %u\n", r, i);
				program_close();
				return -1;
			}
		}
		program_close();
	}
	return 0;
}

static void print(void)
{
	printf("%-32s", "");
	for (int k = 0; k < KINDS; k++)
		printf("%10s", kind_names[k]);
	printf("\n%-32s", "left-alone");
	for (int k = 0; k < KINDS; k++)
		printf("%10lu", passed[k]);
	for (int r = 0; r < INGRESS_REASONS; r++) {
		printf("\n%-32s", dp_reason_name((unsigned)r));
		for (int k = 0; k < KINDS; k++)
			printf("%10lu", counts[k][r]);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: judge SEED PACKETS\n");
		return 2;
	}
	chance_seed(strtoull(argv[1], NULL, 0));
	sockets_open();
	if (compare_all((unsigned)strtoul(argv[2], NULL, 0)) < 0) {
		fprintf(stderr, "seed %s\n", argv[1]);
		return 1;
	}
	print();
	return 0;
}
