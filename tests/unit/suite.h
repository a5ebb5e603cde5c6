/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests that register themselves: a program of tests is one or more files with
 *
 *	TEST(name) { ... }                  runs once
 *	TEST_LOOP(name, from, to) { ... }   runs with _i = from … to - 1
 *
 * linked with libsuite.a, which has main().  They run in the order of the files at the
 * link and of their lines.  A line
 *
 *	CASE(name, .setup = begin, .teardown = end, .timeout = 30)
 *
 * says what the tests that follow it in its file need: functions called before and after
 * each, and seconds until it is taken to hang (0: CK_DEFAULT_TIMEOUT).
 *
 * Check's variables work as always: CK_RUN_CASE=name, CK_FORK=no for a debugger.  An
 * argument of the program is the name of a test, which then runs alone.
 */
#ifndef WCCPD_TESTS_SUITE_H
#define WCCPD_TESTS_SUITE_H

#include <check.h>

struct suite_case {
	const char *name, *file;
	SFun setup, teardown;
	double timeout;
};

/* Called before main(), by the macros. */
void suite_case(const struct suite_case *c);
void suite_test(const TTest *test, int from, int to);

#define SUITE_BEFORE_MAIN(name) __attribute__((constructor)) static void name(void)

#define TEST(name) TEST_LOOP(name, 0, 1)

#define TEST_LOOP(name, from, to)                                              \
	static void name##_fn(int);                                            \
	static const TTest name##_test = { #name, name##_fn, __FILE__, __LINE__ }; \
	SUITE_BEFORE_MAIN(name##_register)                                     \
	{                                                                      \
		suite_test(&name##_test, from, to);                            \
	}                                                                      \
	static void name##_fn(int _i __attribute__((unused)))

#define CASE(title, ...)                                                               \
	SUITE_BEFORE_MAIN(title##_case)                                                \
	{                                                                              \
		static const struct suite_case title##_needs = {                       \
			.name = #title, .file = __FILE__, __VA_ARGS__                  \
		};                                                                     \
		suite_case(&title##_needs);                                            \
	}

#endif
