/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing the requests of the control sockets: each line of the input is one.  It goes
 * to a wccprouter without a data plane, and to what reads the words of "show" and of
 * wccpd's "explain".  Every answer must be JSON that can be printed.
 */
#include "fuzz.h"
#include "log.h"
#include "wccpd/tell/explain_json.h"
#include "wccprouter/control/message_debug.h"
#include "wccprouter/control/routerd_commands.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/service/routerd_services.h"
#include "wccprouter/show/show_view.h"

#include <stdlib.h>
#include <string.h>

static const char conf_text[] = "router-id = 10.0.0.1\n"
				"redirect-in = { lo }\n"
				"caches-in = { lo }\n"
				"service web-cache { }\n"
				"service 80 { group-list = { 10.0.0.2 } }\n";

/* Those that go on to the data plane. */
static int is_left_out(const char *line)
{
	static const char *const names[] = { "shut", "no-shut", "restart", "show",
					     "metrics" };

	line += strspn(line, " \t");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return 1;
	return 0;
}

static void check_answer(json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	/* Words that are not UTF-8 cannot be repeated. */
	if (answer && !text)
		fuzz_fail("answer", "it cannot be printed");
	free(text);
	json_decref(answer);
}

/* The words of "show" here, and of "explain" there. */
static void read_words(char *line)
{
	struct show_request r;
	struct dp_connection c;
	struct err err = { "" };
	char *words[8];
	unsigned n = fuzz_split(line, words, 8);

	if (n && show_view_parse(n - 1, words + 1, &r, &err) < 0 && !err.text[0])
		fuzz_fail("show", "no reason");
	err.text[0] = '\0';
	if (n && explain_json_parse(n - 1, words + 1, &c, &err) < 0 && !err.text[0])
		fuzz_fail("explain", "no reason");
}

static void ask_all(struct routerd_commands *c, const uint8_t *octets, size_t len)
{
	struct fuzz_lines l = { .at = octets, .end = octets + len };

	for (unsigned n = 0; n < 50 && fuzz_next_line(&l); n++) {
		if (!is_left_out(l.line))
			check_answer(routerd_commands_run(c, l.line));
		read_words(l.line);
	}
}

int fuzz_control(const uint8_t *octets, size_t len)
{
	static const struct routerd_services_calls calls = { 0 };
	static struct routerd_conf *conf;
	static struct event_base *base;
	static struct message_debug debug;
	struct routerd_commands c = { .debug = &debug };
	struct err err;

	if (!conf) {
		log_open("fuzz", LOG_TO_STDERR, NOTE_ERROR);
		base = event_base_new();
		conf = routerd_conf_load(fuzz_file((const uint8_t *)conf_text,
						   sizeof(conf_text) - 1), &err);
	}
	if (!conf)
		fuzz_fail("conf", err.text);
	c.services = routerd_services_new(conf, &calls);
	c.faults = faults_new(base);
	debug = (struct message_debug){ .services = c.services };
	ask_all(&c, octets, len);
	faults_free(c.faults);
	routerd_services_free(c.services);
	return 0;
}
