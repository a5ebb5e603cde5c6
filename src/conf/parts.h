/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of wccpd's configuration, one file each. */
#ifndef PARTS_H
#define PARTS_H

#include "conf.h"
#include "read.h"

extern cfg_opt_t pool_options[], service_options[];

/* One section into *out, defaults filled in. */
int pool_read(struct reader *r, cfg_t *section, struct conf_pool *out);
/* Address and pools of `conf` must be read already. */
int service_read(struct reader *r, cfg_t *section, const struct conf *conf,
		 struct conf_service *out);

/* The title of a section as a name: letters, digits, and ".", "_", "-". */
int part_name(struct reader *r, cfg_t *section, char *out, size_t size);

#endif
