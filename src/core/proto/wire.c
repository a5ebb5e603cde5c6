/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded cursors over the octets of a datagram.
 */
#include "wire.h"

#include <string.h>

struct wire_reader wire_reader(const void *octets, size_t len)
{
	const uint8_t *at = octets;

	return (struct wire_reader){ .at = at, .end = len ? at + len : at };
}

void wire_get_octets(struct wire_reader *r, void *out, size_t len)
{
	const uint8_t *p = wire_take(r, len);

	if (!len)
		return;
	if (p)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

void wire_skip(struct wire_reader *r, size_t len)
{
	wire_take(r, len);
}

struct wire_reader wire_sub(struct wire_reader *r, size_t len)
{
	const uint8_t *p = wire_take(r, len);
	struct wire_reader sub = { .at = r->at, .end = r->at, .failed = r->failed };

	/* A failed cursor covers nothing, so nothing can be read through it. */
	if (!r->failed)
		sub.at = p;
	return sub;
}

bool wire_fits(const struct wire_reader *r, uint32_t count, size_t each)
{
	if (!count)
		return !r->failed;
	return !r->failed && (!each || count <= wire_left(r) / each);
}

struct wire_writer wire_writer(void *octets, size_t size)
{
	uint8_t *start = octets;

	return (struct wire_writer){
		.start = start,
		.at = start,
		.end = size ? start + size : start,
	};
}

size_t wire_written(const struct wire_writer *w)
{
	return (size_t)(w->at - w->start);
}

bool wire_overflowed(const struct wire_writer *w)
{
	return w->failed;
}

static uint8_t *wire_reserve(struct wire_writer *w, size_t len)
{
	uint8_t *at = w->at;

	if (w->failed || (size_t)(w->end - at) < len) {
		w->failed = true;
		return NULL;
	}
	if (len)
		w->at = at + len;
	return at;
}

void wire_put_u8(struct wire_writer *w, uint8_t v)
{
	uint8_t *p = wire_reserve(w, 1);

	if (p)
		p[0] = v;
}

void wire_put_u16(struct wire_writer *w, uint16_t v)
{
	uint8_t *p = wire_reserve(w, 2);

	if (!p)
		return;
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void wire_put_u32(struct wire_writer *w, uint32_t v)
{
	uint8_t *p = wire_reserve(w, 4);

	if (!p)
		return;
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void wire_put_octets(struct wire_writer *w, const void *octets, size_t len)
{
	uint8_t *p = wire_reserve(w, len);

	if (p && len)
		memcpy(p, octets, len);
}

size_t wire_mark_u16(struct wire_writer *w)
{
	size_t mark = wire_written(w);

	wire_put_u16(w, 0);
	return mark;
}

void wire_fill_u16(struct wire_writer *w, size_t mark)
{
	size_t len;

	/* After an overflow the mark itself may not have been written. */
	if (w->failed)
		return;
	len = wire_written(w) - mark - 2;
	if (len > UINT16_MAX) {
		w->failed = true;
		return;
	}
	w->start[mark] = (uint8_t)(len >> 8);
	w->start[mark + 1] = (uint8_t)len;
}
