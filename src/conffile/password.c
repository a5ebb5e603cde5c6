/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conffile/password.h"

#include "foreign/foreign_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int password_take(struct reader *r, cfg_t *section, const char *name,
			 const char *text, struct codec_password *out)
{
	struct err why;

	if (codec_password(text, out, &why) < 0)
		return read_fail(r, section, name, "%s: %s", name, why.text);
	return 0;
}

static int password_read_text(struct reader *r, cfg_t *section, struct codec_password *out)
{
	char *parsed = cfg_getstr(section, "password"), text[WCCP_PASSWORD_LEN + 1];
	int rc = read_text(r, section, "password", text, sizeof(text));

	if (rc == 0)
		rc = password_take(r, section, "password", text, out);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(parsed, strlen(parsed));
	if (rc == 0 && r->is_public)
		read_warn(r, section, "password",
			  "password: every user can read this file (chmod o-r %s)", r->path);
	return rc;
}

/* A name without a slash is one of systemd's credentials. */
static int password_find(struct reader *r, cfg_t *section, char path[PATH_MAX])
{
	const char *name = cfg_getstr(section, "password-file");
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (name[0] == '/') {
		snprintf(path, PATH_MAX, "%s", name);
		return 0;
	}
	if (!name[0] || strchr(name, '/'))
		return read_fail(r, section, "password-file",
				 "password-file: %s is neither a path that begins with a "
				 "slash nor the name of a credential",
				 name);
	if (!folder)
		return read_fail(r, section, "password-file",
				 "password-file: there are no credentials for %s here "
				 "(LoadCredential in the unit; CREDENTIALS_DIRECTORY is "
				 "not set)",
				 name);
	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return 0;
}

/* A newline at the end is not part of it, as editors put one there. */
static int password_read_file(struct reader *r, cfg_t *section, struct codec_password *out)
{
	char path[PATH_MAX], text[WCCP_PASSWORD_LEN + 2] = "";
	struct stat st;
	struct err why;
	ssize_t n;
	int rc;

	if (password_find(r, section, path) < 0)
		return -1;
	n = foreign_file_read(path, FOREIGN_LINKS_OURS, text, sizeof(text) - 1, &st, &why);
	if (n < 0)
		return read_fail(r, section, "password-file", "password-file: %s", why.text);
	text[strcspn(text, "\n")] = '\0';
	if ((size_t)n > strlen(text) + 1)
		rc = read_fail(r, section, "password-file",
			       "password-file: %s has more than one line", path);
	else
		rc = password_take(r, section, "password-file", text, out);
	explicit_bzero(text, sizeof(text));
	if (rc == 0 && foreign_file_is_public(&st))
		read_warn(r, section, "password-file",
			  "password-file: every user can read %s (chmod o-r)", path);
	return rc;
}

int password_read(struct reader *r, cfg_t *section, struct codec_password *out)
{
	if (read_is_set(section, "password") && read_is_set(section, "password-file"))
		return read_fail(r, section, "password-file",
				 "password-file: there is a password, too");
	if (read_is_set(section, "password"))
		return password_read_text(r, section, out);
	if (read_is_set(section, "password-file"))
		return password_read_file(r, section, out);
	return 0;
}
