/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page and the example have every option, and the page no other. */
#include "wccpd/conf/conf_sections.h"
#include "wccpd/conf/conf_template.h"
#include "suite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char page[65536], example[32768];

static void read_whole(const char *name, char *out, size_t size)
{
	const char *top = getenv("srcdir");
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f, "%s", path);
	n = fread(out, 1, size, f);
	fclose(f);
	ck_assert_uint_lt(n, size);
	out[n] = '\0';
}

static void read_both(void)
{
	read_whole("doc/wccpd.conf.5", page, sizeof(page));
	read_whole("conf/wccpd.conf.example", example, sizeof(example));
}

/* The page's subsection about a section of the file, or about the top level. */
static const char *subsection(const char *section, char *out, size_t size)
{
	char heading[64];
	const char *begin, *end;

	if (section)
		snprintf(heading, sizeof(heading), "\n.Ss %s ", section);
	else
		snprintf(heading, sizeof(heading), "\n.Ss Top level\n");
	begin = strstr(page, heading);
	ck_assert_msg(begin, "wccpd.conf(5) has no subsection %s", heading + 5);
	end = strstr(begin + 1, "\n.S");
	ck_assert_ptr_nonnull(end);
	ck_assert_uint_lt((size_t)(end - begin), size);
	snprintf(out, size, "%.*s\n", (int)(end - begin), begin);
	return out;
}

/* "name =" or "name {" at the beginning of a word. */
static bool example_has(const char *name)
{
	size_t len = strlen(name);

	for (const char *at = example; (at = strstr(at, name)); at += len) {
		if (at > example && !isspace((unsigned char)at[-1]) && at[-1] != '#')
			continue;
		if (strncmp(at + len, " = ", 3) == 0 || strncmp(at + len, " {", 2) == 0)
			return true;
	}
	return false;
}

static unsigned check_table(const char *section, const cfg_opt_t *options)
{
	char text[32768], item[64];
	unsigned n = 0;

	subsection(section, text, sizeof(text));
	for (const cfg_opt_t *o = options; o->name; o++) {
		if (o->type == CFGT_SEC) {
			n += check_table(o->name, o->subopts);
			if (!(o->flags & CFGF_TITLE))
				ck_assert_msg(example_has(o->name),
					      "the example has no %s", o->name);
			continue;
		}
		n++;
		snprintf(item, sizeof(item), "\n.It Ic %s No =", o->name);
		ck_assert_msg(strstr(text, item), "wccpd.conf(5), %s: no %s",
			      section ? section : "top level", o->name);
		ck_assert_msg(example_has(o->name), "the example has no %s", o->name);
	}
	return n;
}

static const cfg_opt_t *find_option(const cfg_opt_t *options, const char *name)
{
	for (const cfg_opt_t *o = options; o->name; o++) {
		const cfg_opt_t *inner =
			o->type == CFGT_SEC ? find_option(o->subopts, name) : NULL;

		if (inner)
			return inner;
		if (o->type != CFGT_SEC && strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

CASE(doc, .setup = read_both)

TEST(every_option_is_documented)
{
	/* As many as there are: a walk that finds none would pass, too. */
	ck_assert_uint_ge(check_table(NULL, conf_options), 49);
}

TEST(every_documented_option_exists)
{
	static const char mark[] = "\n.It Ic ";
	unsigned n = 0;

	for (const char *at = page; (at = strstr(at, mark)); n++) {
		char name[64];

		at += strlen(mark);
		ck_assert_int_eq(sscanf(at, "%63[^ \n]", name), 1);
		ck_assert_msg(find_option(conf_options, name),
			      "wccpd.conf(5) has %s, which does not exist", name);
	}
	ck_assert_uint_ge(n, 49);
}

/* Nothing in the list of templates may be forgotten where people look it up. */
TEST(every_template_is_documented)
{
	char names[100], *rest = names;
	const char *name;
	unsigned n = 0;

	strcpy(names, conf_template_names());
	for (; (name = strsep(&rest, ", ")); n += *name != 0) {
		char row[64];

		if (!*name) /* between the comma and the blank */
			continue;
		snprintf(row, sizeof(row), "\n.It Cm %s Ta ", name);
		ck_assert_msg(strstr(page, row), "wccpd.conf(5): no template %s", name);
		snprintf(row, sizeof(row), "\n#\t%-10s ", name);
		ck_assert_msg(strstr(example, row), "the example: no template %s",
			      name);
	}
	ck_assert_uint_ge(n, 5);
}
