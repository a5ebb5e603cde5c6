/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzing wccpd.conf: a file is good and can be described, or one error says why not. */
#include "fuzz.h"
#include "wccpd/conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_services(const struct conf *c)
{
	if (c->n_services > PLAN_MAX_SERVICES || c->n_pools > PLAN_MAX_POOLS)
		fuzz_fail("conf", "more than there is room for");
	for (unsigned i = 0; i < c->n_services; i++) {
		const struct conf_service *s = &c->services[i];

		if (s->pool >= c->n_pools)
			fuzz_fail("service", "its pool is not there");
		if (s->pair >= (int)c->n_services)
			fuzz_fail("service", "its mirror is not there");
		conf_describe(&s->group.service);
		conf_mask_text(&s->group.mask);
	}
	conf_interfaces_text(c);
}

static void print(const struct conf *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	conf_print(c, to);
	fclose(to);
	free(text);
}

int fuzz_conf(const uint8_t *octets, size_t len)
{
	const char *path = fuzz_file(octets, len);
	struct err err = { "" };
	struct conf *c = conf_load(path, &err);

	if (c) {
		check_services(c);
		print(c);
		conf_free(c);
	} else if (strncmp(err.text, path, strlen(path)) != 0) {
		fuzz_fail("conf", err.text);
	}
	return 0;
}
