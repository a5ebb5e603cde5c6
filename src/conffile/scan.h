/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at the raw text before libconfuse reads it, for two things it does badly:
 * version 3.3 refuses a comment inside a list, and treats the end of the file as the
 * end of every open section.
 */
#ifndef WCCPD_CONFFILE_SCAN_H
#define WCCPD_CONFFILE_SCAN_H

/* Overwrite all comments with blanks.  0, or the line of something that is never
 * closed; *what says what it is. */
int scan_text(char *text, const char **what);

#endif
