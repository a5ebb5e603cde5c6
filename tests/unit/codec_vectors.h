/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages written by hand from the figures of the drafts, never by the encoder.
 */
#ifndef CODEC_VECTORS_H
#define CODEC_VECTORS_H

#include "codec.h"

#include <stddef.h>
#include <stdint.h>

enum { VECTOR_MAX = 2048 };

struct vector {
	const char *name;
	const char *hex;      /* blanks between octets do not count */
	const char *password; /* NULL: none */
};

extern const struct vector vectors[];
extern const size_t n_vectors;

/* Octets of `hex` into `out` of `size`; their number.  Aborts on bad text. */
size_t vector_octets(const char *hex, uint8_t *out, size_t size);

/* The same for the vector of that name, with a length that is right. */
size_t vector_load(const char *name, uint8_t out[VECTOR_MAX]);

/* NULL, or the password of a vector, in `out`. */
const struct codec_password *vector_password(const struct vector *v,
					     struct codec_password *out);

#endif
