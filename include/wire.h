/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded cursors: the only way an octet of a datagram is read or written.
 *
 * A cursor that is asked for more than is left fails, returns zeros, and stays failed,
 * so callers may read a whole structure and check once at the end.  Integers are
 * big-endian on the wire.
 */
#ifndef WCCPD_WIRE_H
#define WCCPD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_reader {
	const uint8_t *at;  /* next octet; not owned */
	const uint8_t *end; /* one past the last */
	bool failed;
};

struct wire_reader wire_reader(const void *octets, size_t len);

/* Inline, because an I_SEE_YOU has hundreds of fields. */

static inline size_t wire_left(const struct wire_reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->at);
}

static inline bool wire_failed(const struct wire_reader *r)
{
	return r->failed;
}

/* Step over `len` octets; NULL, and failed for good, when they are not there. */
static inline const uint8_t *wire_take(struct wire_reader *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->failed || (size_t)(r->end - at) < len) {
		r->failed = true;
		return NULL;
	}
	if (len)
		r->at = at + len;
	return at;
}

static inline uint8_t wire_get_u8(struct wire_reader *r)
{
	const uint8_t *p = wire_take(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t wire_get_u16(struct wire_reader *r)
{
	const uint8_t *p = wire_take(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t wire_get_u32(struct wire_reader *r)
{
	const uint8_t *p = wire_take(r, 4);

	if (!p)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void wire_get_octets(struct wire_reader *r, void *out, size_t len);
void wire_skip(struct wire_reader *r, size_t len);
/* Returns a cursor over the next `len` octets and steps over them in `r`.  When `len`
 * is more than is left, both fail. */
struct wire_reader wire_sub(struct wire_reader *r, size_t len);
/* Is there room for `count` more items of at least `each` octets?  To be checked before
 * believing any count on the wire; never overflows. */
bool wire_fits(const struct wire_reader *r, uint32_t count, size_t each);

struct wire_writer {
	uint8_t *start, *at, *end; /* not owned */
	bool failed;
};

struct wire_writer wire_writer(void *octets, size_t size);
/* Octets written so far. */
size_t wire_written(const struct wire_writer *w);
bool wire_overflowed(const struct wire_writer *w);
void wire_put_u8(struct wire_writer *w, uint8_t v);
void wire_put_u16(struct wire_writer *w, uint16_t v);
void wire_put_u32(struct wire_writer *w, uint32_t v);
void wire_put_octets(struct wire_writer *w, const void *octets, size_t len);
/* Remember where a 16-bit length goes (writes 0 there for now) ... */
size_t wire_mark_u16(struct wire_writer *w);
/* ... and fill it with the number of octets written after it. */
void wire_fill_u16(struct wire_writer *w, size_t mark);

#endif
