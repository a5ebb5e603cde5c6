/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing faults: lines with one each, an empty line, and the datagram that they are
 * applied to.  A fault that is accepted is printed and read again as the same.
 */
#include "fuzz.h"
#include "wccprouter/fault/fault.h"

#include <string.h>

static int parse(const char *text, struct fault *out)
{
	char line[4096], *words[16];
	struct err err = { "" };

	strcpy(line, text);
	if (fault_parse(fuzz_split(line, words, 16), words, out, &err) == 0)
		return 0;
	if (!err.text[0])
		fuzz_fail("fault", "no reason");
	return -1;
}

static void add(struct fault_set *set, const char *line)
{
	char text[FAULT_TEXT_MAX], again_text[FAULT_TEXT_MAX];
	struct fault f = { 0 }, again = { 0 };

	if (parse(line, &f) < 0)
		return;
	fault_print(&f, text);
	if (parse(text, &again) < 0 ||
	    strcmp(text, fault_print(&again, again_text)) != 0)
		fuzz_fail("fault", text);
	if (set->n < FAULTS_MAX)
		set->list[set->n++] = f;
}

static void apply(struct fault_set *set, const uint8_t *octets, size_t len)
{
	static const struct codec_password password = { .set = true };
	static struct fault_result result;
	struct addr peer = addr_v4(0x0a000001);
	struct fault_about about = { FAULT_OUT, "80", &peer, &password };

	if (len > WCCP_MAX_DATAGRAM)
		len = WCCP_MAX_DATAGRAM;
	for (int ways = 0; ways < 4; ways++) {
		about.way = ways & 1 ? FAULT_IN : FAULT_OUT;
		about.password = ways & 2 ? &password : NULL;
		fault_apply(set, &about, octets, len, &result);
		if (result.n > FAULT_COPIES_MAX || result.len > WCCP_MAX_DATAGRAM)
			fuzz_fail("fault", "more than there is room for");
		for (unsigned i = 0; i < result.n; i++)
			if (result.delays_ms[i] > FAULTS_MAX * FAULT_DELAY_MAX_MS)
				fuzz_fail("fault", "it is delayed for too long");
	}
}

int fuzz_fault(const uint8_t *octets, size_t len)
{
	struct fuzz_lines l = { .at = octets, .end = octets + len };
	struct fault_set set = { .random = len };

	while (fuzz_next_line(&l) && l.line[0])
		add(&set, l.line);
	apply(&set, l.at, (size_t)(l.end - l.at));
	return 0;
}
