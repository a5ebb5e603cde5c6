/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzing scenario files: what is accepted can be asked, of services in two states. */
#include "fuzz.h"
#include "wccprouter/control/routerd_commands.h"
#include "wccprouter/scenario/scenario.h"

#include <string.h>

static struct router_status states[2];

static void fill_states(void)
{
	struct router_cache_status *c = &states[1].caches[0];

	c->addr = addr_v4(0x0a000005);
	c->usable = true;
	states[1].n_caches = 1;
	states[1].assigned = true;
}

static void ask(const struct scenario_expect *x)
{
	const struct scenario_service list[] = { { "web-cache", &states[0] },
						 { "80", &states[1] } };
	struct trace_message m = { .way = TRACE_SENT };
	struct codec_datagram d;
	char text[80];

	scenario_explain(x, list, 2, text, sizeof(text));
	if (!memchr(text, '\0', sizeof(text)))
		fuzz_fail("scenario", "its text has no end");
	scenario_holds(x, list, 2);
	codec_open(NULL, 0, &d);
	m.datagram = &d;
	m.peer = &states[1].caches[0].addr;
	m.service = "80";
	scenario_matches(x, &m);
}

int fuzz_scenario(const uint8_t *octets, size_t len)
{
	const struct scenario_service list[] = { { "80", &states[1] } };
	const char *path = fuzz_file(octets, len);
	struct err err = { "" };
	struct scenario *s = scenario_load(path, routerd_commands_has, &err);

	fill_states();
	if (!s) {
		if (strncmp(err.text, path, strlen(path)) != 0)
			fuzz_fail("scenario", err.text);
		return 0;
	}
	scenario_check(s, list, 1, &err);
	for (unsigned i = 0; i < s->n_steps; i++)
		if (s->steps[i].kind == SCENARIO_EXPECT ||
		    s->steps[i].kind == SCENARIO_REQUIRE)
			ask(&s->steps[i].expect);
	scenario_free(s);
	return 0;
}
