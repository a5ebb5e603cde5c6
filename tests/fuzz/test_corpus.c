/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every input in tests/fuzz/corpus/TARGET, given to fuzz_TARGET(). */
#include "fuzz.h"
#include "../unit/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *name;
	int (*run)(const uint8_t *octets, size_t len);
} const targets[] = {
	{ "codec", fuzz_codec },     { "step", fuzz_step },
	{ "pair", fuzz_pair },	     { "conf", fuzz_conf },
	{ "routerd_conf", fuzz_routerd_conf }, { "control", fuzz_control },
	{ "fault", fuzz_fault },     { "scenario", fuzz_scenario },
};

enum { N_TARGETS = sizeof(targets) / sizeof(targets[0]), INPUT_MAX = 65536 };

static void replay(unsigned target, const char *path)
{
	static uint8_t octets[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t len;

	ck_assert_ptr_nonnull(f);
	len = fread(octets, 1, sizeof(octets), f);
	fclose(f);
	exact = malloc(len ? len : 1); /* so that a read beyond the end is seen */
	memcpy(exact, octets, len);
	fprintf(stderr, "%s\n", path);
	targets[target].run(exact, len);
	free(exact);
}

static unsigned replay_all(unsigned target)
{
	const char *top = getenv("srcdir");
	char folder[512], path[1024];
	struct dirent *entry;
	unsigned n = 0;
	DIR *d;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", top ? top : ".",
		 targets[target].name);
	d = opendir(folder);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		replay(target, path);
		n++;
	}
	closedir(d);
	return n;
}

CASE(corpus, .timeout = 60)

TEST_LOOP(inputs_of_the_corpus_hurt_nobody, 0, N_TARGETS)
{
	ck_assert_uint_gt(replay_all((unsigned)_i), 0);
}
