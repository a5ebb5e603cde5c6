/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed reading of a configuration file, on top of libconfuse.
 *
 * libconfuse handles words, braces and lines; to it every value is text.  Its meaning
 * is decided here, so that all numbers are read alike (decimal, or 0x) and every error
 * can say file:line: message.
 *
 * Readers leave *out alone when the option is not set: put the default there.
 */
#ifndef WCCPD_CONFFILE_READ_H
#define WCCPD_CONFFILE_READ_H

#include "addr.h"
#include "err.h"

#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>

struct read_line {
	const cfg_opt_t *option;
	unsigned index; /* of the value in a list */
	int line;
};

struct reader {
	cfg_t *root;
	const char *path; /* not owned */
	struct err *err;
	bool is_public; /* every user can read the file */
	unsigned n_lines;
	struct read_line *lines;
	/* Where warnings go; not owned, NULL for nowhere. */
	struct err *warnings;
	unsigned n_warnings, max_warnings;
};

/* For the tables of options: one text, a list of texts, titled sections. */
#define READ_TEXT(name) CFG_STR_CB(name, NULL, CFGF_NODEFAULT, read_value)
#define READ_LIST(name) CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, read_value)
#define READ_SECTIONS(name, options)                                                   \
	CFG_SEC(name, options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)
/* A section without a title; its reader has to check that it occurs only once. */
#define READ_SECTION(name, options) CFG_SEC(name, options, CFGF_MULTI)

int read_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result);

/* Parse a file into r->root.  `err` is where all later errors go, too.  Close it
 * in any case.  Not reentrant, as libconfuse is not. */
int read_open(struct reader *r, const char *path, cfg_opt_t *options, struct err *err);
void read_close(struct reader *r);

/* Fill r->err with "file:line: ..." and return -1.  The line is that of the
 * option; of the end of the section when `name` is NULL or not set. */
int read_fail(struct reader *r, cfg_t *section, const char *name, const char *format,
	      ...) __attribute__((format(printf, 4, 5)));
/* The same about one value of a list. */
int read_fail_item(struct reader *r, cfg_t *section, const char *name, unsigned index,
		   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The line of one value of a list, for errors that read_fail() cannot put into words. */
int read_line_of(struct reader *r, cfg_t *section, const char *name, unsigned index);

/* A setting that is valid but probably a mistake: "file:line: ..." into the list of
 * warnings, as long as there is room. */
void read_warn(struct reader *r, cfg_t *section, const char *name, const char *format,
	       ...) __attribute__((format(printf, 4, 5)));

bool read_is_set(cfg_t *section, const char *name);
/* -1 when it is not set. */
int read_require(struct reader *r, cfg_t *section, const char *name);

int read_text(struct reader *r, cfg_t *section, const char *name, char *out,
	      size_t size);
/* One of a list. */
int read_text_item(struct reader *r, cfg_t *section, const char *name, unsigned index,
		   char *out, size_t size);
/* A text that begins with a slash. */
int read_path(struct reader *r, cfg_t *section, const char *name, char *out,
	      size_t size);
/* The same, or the word "none". */
int read_path_or_none(struct reader *r, cfg_t *section, const char *name, char *out,
		      size_t size);
int read_number(struct reader *r, cfg_t *section, const char *name, uint32_t least,
		uint32_t most, uint32_t *out);
int read_number16(struct reader *r, cfg_t *section, const char *name, uint16_t least,
		  uint16_t *out);
/* An IPv4 address of one host.  IPv6 and multicast have error messages of their own. */
int read_host(struct reader *r, cfg_t *section, const char *name, unsigned index,
	      struct addr *out);
/* An address of one host of either family, which routers can reach. */
int read_address(struct reader *r, cfg_t *section, const char *name, unsigned index,
		 struct addr *out);
/* A multicast address of either family. */
int read_multicast_address(struct reader *r, cfg_t *section, const char *name,
			   struct addr *out);
/* true or false */
int read_flag(struct reader *r, cfg_t *section, const char *name, bool *out);
/* Which of the words (NULL at the end) it is. */
int read_word(struct reader *r, cfg_t *section, const char *name, unsigned index,
	      const char *const *words, unsigned *out);

/* Decimal or 0x digits and nothing else; -1 if it is not a number or above `most`. */
int read_digits(const char *text, uint32_t most, uint32_t *out);

#endif
