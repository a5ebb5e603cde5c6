/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing: one function for each thing that takes octets from outside.  It aborts when
 * something that must hold does not.
 *
 *   libfuzzer.c    makes a libFuzzer program of one of them (make fuzz)
 *   test_corpus.c  gives all of them the inputs in corpus/, in every run of the tests
 *
 * libFuzzer's program replays an input that failed when its file is the argument.  What
 * has been mended goes into the corpus.
 */
#ifndef WCCPD_TESTS_FUZZ_H
#define WCCPD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int fuzz_codec(const uint8_t *octets, size_t len);	/* datagrams */
int fuzz_step(const uint8_t *octets, size_t len);	/* events of a group */
int fuzz_pair(const uint8_t *octets, size_t len);	/* of a service and its mirror */
int fuzz_conf(const uint8_t *octets, size_t len);	/* wccpd.conf */
int fuzz_routerd_conf(const uint8_t *octets, size_t len); /* wccprouter.conf */
int fuzz_control(const uint8_t *octets, size_t len);	/* requests */
int fuzz_fault(const uint8_t *octets, size_t len);	/* faults, and what they do */
int fuzz_scenario(const uint8_t *octets, size_t len);	/* scenario files */

/* Say what is wrong, and abort. */
void fuzz_fail(const char *what, const char *why) __attribute__((noreturn));

/* A file with these octets for code that takes a path, the same file each time; its
 * path. */
const char *fuzz_file(const uint8_t *octets, size_t len);

/* Cut the next line off the input and copy it; false when nothing is left. */
struct fuzz_lines {
	const uint8_t *at, *end;
	char line[4096]; /* longer ones are cut */
};
int fuzz_next_line(struct fuzz_lines *l);

/* Split a line at its blanks, in place; how many words there are, at most `most`. */
unsigned fuzz_split(char *line, char **words, unsigned most);

#endif
