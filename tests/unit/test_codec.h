/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The groups of tests in test_codec.
 */
#ifndef TEST_CODEC_H
#define TEST_CODEC_H

#include <check.h>

TCase *fields_case(void);  /* what each vector says, one by one */
TCase *rules_case(void);   /* what is skipped, ignored or refused */
TCase *hostile_case(void); /* truncated, corrupted and exaggerated vectors */
TCase *auth_case(void);    /* service, password, digest */
TCase *encode_case(void);  /* what the encoder refuses; text */

#endif
