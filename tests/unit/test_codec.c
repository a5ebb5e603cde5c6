/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The codec, against messages written by hand.
 */
#include "test_codec.h"

#include <stdlib.h>

int main(void)
{
	Suite *s = suite_create("codec");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, fields_case());
	suite_add_tcase(s, rules_case());
	suite_add_tcase(s, hostile_case());
	suite_add_tcase(s, auth_case());
	suite_add_tcase(s, encode_case());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
