/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router's document as text, in the style of a router's command line. */
#ifndef WCCPD_WCCPROUTER_SHOW_SHOW_TEXT_H
#define WCCPD_WCCPROUTER_SHOW_SHOW_TEXT_H

#include "wccprouter/show/show_view.h"

#include <stdio.h>

/* What show_view_select() gave for this request. */
void show_text_print(const json_t *part, const struct show_request *r, FILE *to);

#endif
