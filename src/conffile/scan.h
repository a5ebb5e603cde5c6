/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at the raw text before libconfuse reads it, for two things it does badly:
 * version 3.3 refuses a comment inside a list, and takes the end of the file for
 * the end of every open section.
 */
#ifndef WCCPD_CONFFILE_SCAN_H
#define WCCPD_CONFFILE_SCAN_H

/* Overwrite all comments with blanks.  0, or the line of what is never closed,
 * with *what saying what it is. */
int scan_text(char *text, const char **what);

#endif
