/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzing wccprouter.conf: what is accepted can be started. */
#include "clock.h"
#include "fuzz.h"
#include "wccprouter/conf/routerd_conf.h"
#include "wccprouter/service/routerd_services.h"

#include <string.h>

static void check_services(struct routerd_conf *c)
{
	static const struct routerd_services_calls calls = { 0 };
	struct routerd_services *s;

	if (c->n_services > ROUTERD_MAX_SERVICES)
		fuzz_fail("conf", "more services than there is room for");
	for (unsigned i = 0; i < c->n_services; i++)
		if (c->services[i].n_rules > ROUTERD_MAX_RULES)
			fuzz_fail("service", "more rules than there is room for");
	s = routerd_services_new(c, &calls);
	if (!s || s->n != c->n_services)
		fuzz_fail("services", "they cannot be started");
	routerd_services_free(s);
}

int fuzz_routerd_conf(const uint8_t *octets, size_t len)
{
	const char *path = fuzz_file(octets, len);
	struct err err = { "" };
	struct routerd_conf *c = routerd_conf_load(path, &err);

	if (c) {
		check_services(c);
		routerd_conf_free(c);
	} else if (strncmp(err.text, path, strlen(path)) != 0) {
		fuzz_fail("conf", err.text);
	}
	return 0;
}
