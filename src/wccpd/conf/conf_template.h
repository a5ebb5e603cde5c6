/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services that need no description, because their name says it all. */
#ifndef WCCPD_WCCPD_CONF_CONF_TEMPLATE_H
#define WCCPD_WCCPD_CONF_CONF_TEMPLATE_H

#include "wccp.h"

#define TEMPLATE_WELL_KNOWN "web-cache"
/* The template to use instead where a description is needed. */
#define TEMPLATE_HTTP "http"

struct conf_template {
	const char *name;
	struct wccp_service service; /* as on the wire */
};

/* NULL when there is none of that name. */
const struct conf_template *conf_template_find(const char *name);
/* "web-cache, http, ...": static storage. */
const char *conf_template_names(void);

#endif
