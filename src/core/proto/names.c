/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of messages, components and refusals.
 */
#include "core/proto/component.h"

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *codec_refusal_name(enum codec_refusal r)
{
	static const char *const names[CODEC_REFUSALS] = {
		[CODEC_OK] = "ok",
		[CODEC_TRUNCATED] = "truncated",
		[CODEC_BAD_VERSION] = "bad-version",
		[CODEC_BAD_TYPE] = "bad-type",
		[CODEC_NO_SERVICE] = "no-service",
		[CODEC_AUTH_MISSING] = "auth-missing",
		[CODEC_AUTH_UNEXPECTED] = "auth-unexpected",
		[CODEC_AUTH_FAILED] = "auth-failed",
		[CODEC_MISSING] = "missing-component",
		[CODEC_MALFORMED] = "malformed",
		[CODEC_TOO_MANY] = "too-many",
	};

	return (unsigned)r < CODEC_REFUSALS ? names[r] : "unknown";
}

const char *codec_type_name(uint32_t type)
{
	switch (type) {
	case WCCP_HERE_I_AM:
		return "HERE_I_AM";
	case WCCP_I_SEE_YOU:
		return "I_SEE_YOU";
	case WCCP_REDIRECT_ASSIGN:
		return "REDIRECT_ASSIGN";
	case WCCP_REMOVAL_QUERY:
		return "REMOVAL_QUERY";
	default:
		return "UNKNOWN";
	}
}

const char *component_name(unsigned type)
{
	static const char *const names[] = {
		[WCCP_C_SECURITY] = "Security Info",
		[WCCP_C_SERVICE] = "Service Info",
		[WCCP_C_ROUTER_ID] = "Router Identity",
		[WCCP_C_CACHE_ID] = "Web-Cache Identity",
		[WCCP_C_ROUTER_VIEW] = "Router View",
		[WCCP_C_CACHE_VIEW] = "Web-Cache View",
		[WCCP_C_ASSIGNMENT] = "Assignment Info",
		[WCCP_C_ROUTER_QUERY] = "Router Query",
		[WCCP_C_CAPABILITIES] = "Capabilities",
		[WCCP_C_ALT_ASSIGNMENT] = "Alternate Assignment",
		[WCCP_C_ASSIGN_MAP] = "Assignment Map",
		[WCCP_C_COMMAND] = "Command Extension",
		[WCCP_C_ALT_ASSIGN_MAP] = "Alternate Assignment Map",
		[WCCP_C_ADDRESS_TABLE] = "Address Table",
	};

	return type < COUNT(names) && names[type] ? names[type] : "unknown";
}
