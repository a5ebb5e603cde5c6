/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options `password` and `password-file`, which all sections that have a password
 * share. */
#ifndef WCCPD_CONFFILE_PASSWORD_H
#define WCCPD_CONFFILE_PASSWORD_H

#include "codec.h"
#include "conffile/read.h"

/* For the tables of options. */
#define PASSWORD_OPTIONS READ_TEXT("password"), READ_TEXT("password-file")

/* Leaves *out alone when neither is set.  The text is wiped out of the parsed file. */
int password_read(struct reader *r, cfg_t *section, struct codec_password *out);

#endif
