/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words for numbers of the wire, shared by the error texts and the printer.
 */
#ifndef WCCPD_CORE_PROTO_NAMES_H
#define WCCPD_CORE_PROTO_NAMES_H

#include <stdint.h>

/* The drafts' name of a component type ("Router View"); "unknown" for others. */
const char *names_component(unsigned type);

#endif
