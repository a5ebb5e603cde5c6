/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the daemon's JSON document.  A member that is missing, or has another type,
 * reads as "-", 0, false or nothing. */
#ifndef WCCPD_JSON_GET_H
#define WCCPD_JSON_GET_H

#include <jansson.h>
#include <stdbool.h>

static inline const char *json_get_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && *s ? s : "-";
}

static inline long long json_get_number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static inline bool json_get_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static inline const json_t *json_get_member(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

#endif
