/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge SEED PACKETS: compare PACKETS of each kind, under random plans that change all
 * the while; and let as many that nobody should send be handled.  For tests/net/test_judge.py, which makes the namespace.  Exit code 1, and
 * the packet, at the first difference.
 */
#include "judge.h"

#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ROUNDS = 4,
	CHANGES = 6, /* of each */
	STATES = 50, /* of the plan, for hostile packets */
};

static const char *const kind_names[KINDS] = {
	[PLAIN] = "plain", [OPTIONS] = "options", [FRAGMENTS] = "fragments",
	[MASK] = "mask",   [HASH] = "hash",	  [VLAN] = "VLAN",
};

static struct plan plan;
static unsigned long counts[KINDS][INGRESS_REASONS], passed[KINDS];
/* Of hostile packets: left alone, dropped, delivered, sent on. */
enum { ALONE, DROPPED, DELIVERED, SENT, ENDS };
static unsigned long ends[ENDS];
static struct result sent, got;

static void dump_frame(const char *what, const uint8_t *frame, unsigned len)
{
	fprintf(stderr, "%s:", what);
	for (unsigned i = 0; i < len; i++)
		fprintf(stderr, "%s%02x", i == ETHERNET || i == ETHERNET + WRAP ? " | " : "",
			frame[i]);
	fputc('\n', stderr);
}

static void dump(const struct judgement *j, const char *why)
{
	fprintf(stderr, "%s\n", why);
	if (j)
		fprintf(stderr, "expected: %s, service %d, sending %d\n",
			j->ours ? dp_reason_name(j->reason) : "left alone", j->service,
			j->sending);
	dump_frame("in", sent.frame, sent.len);
	if (got.action != TC_ACT_SHOT)
		dump_frame("out", got.frame, got.len);
}

static int compare(enum kind kind, unsigned n)
{
	while (n--) {
		struct sample s;
		struct judgement j;
		struct err err;

		packet_make(&s, kind, &plan);
		j = expectation(&plan, &s);
		program_run(&s, &sent, &got);
		if (program_compare(&s, &j, &sent, &got, &err) < 0 ||
		    rules_check(&plan, &s, &sent, &got, &err) < 0) {
			dump(&j, err.text);
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

static int abuse(unsigned n)
{
	static const uint8_t end_of[] = { [TC_ACT_OK] = DELIVERED,
					  [TC_ACT_SHOT] = DROPPED,
					  [TC_ACT_REDIRECT] = SENT };
	struct sample s;
	struct err err;

	while (n--) {
		hostile_make(&s, &plan);
		program_run(&s, &sent, &got);
		if (rules_check(&plan, &s, &sent, &got, &err) < 0) {
			dump(NULL, err.text);
			return -1;
		}
		ends[got.action < 0 ? ALONE : end_of[got.action]]++;
	}
	return 0;
}

/* The same for packets that nobody should send; under one program, because what it
 * remembers of their fragments is not expected of the others. */
static int abuse_all(unsigned packets)
{
	int rc = 0;

	plan_begin(&plan);
	packet_begin();
	rules_begin();
	program_open();
	for (unsigned i = 0; i < STATES && rc == 0; i++) {
		plan_change(&plan);
		plan_set_assignment(&plan, (enum kind)chance_below(KINDS));
		program_change(&plan);
		rc = abuse(packets / STATES);
	}
	program_close();
	return rc;
}

static int compare_all(unsigned packets)
{
	unsigned left = packets;

	for (unsigned r = 0; r < ROUNDS; r++) {
		plan_begin(&plan);
		packet_begin();
		expectation_begin();
		rules_begin();
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
	printf("\nhostile: %lu left alone, %lu dropped, %lu delivered, %lu sent on\n",
	       ends[ALONE], ends[DROPPED], ends[DELIVERED], ends[SENT]);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: judge SEED PACKETS\n");
		return 2;
	}
	chance_seed(strtoull(argv[1], NULL, 0));
	sockets_open();
	if (compare_all((unsigned)strtoul(argv[2], NULL, 0)) < 0 ||
	    abuse_all((unsigned)strtoul(argv[2], NULL, 0)) < 0) {
		fprintf(stderr, "seed %s\n", argv[1]);
		return 1;
	}
	print();
	return 0;
}
