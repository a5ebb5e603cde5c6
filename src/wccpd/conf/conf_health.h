/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When an instance counts as healthy, as configured. */
#ifndef WCCPD_WCCPD_CONF_CONF_HEALTH_H
#define WCCPD_WCCPD_CONF_CONF_HEALTH_H

#include <stdint.h>

struct health_conf {
	unsigned rise, fall;   /* checks in a row, >= 1 */
	uint32_t grace_ms;     /* how long a draining instance still counts as up:
				* squid -k reconfigure closes and reopens it */
};

#endif
