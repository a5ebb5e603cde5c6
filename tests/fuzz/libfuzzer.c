/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A libFuzzer program of FUZZ_TARGET, one of the functions of fuzz.h. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	return FUZZ_TARGET(octets, len);
}
