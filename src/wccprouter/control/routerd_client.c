/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccprouter as the client of a running router. */
#include "wccprouter/control/routerd_client.h"

#include "control.h"
#include "control_client.h"
#include "json_get.h"
#include "wccprouter/show/show_text.h"
#include "wccprouter/show/show_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int routerd_client_complain(const struct err *err)
{
	fprintf(stderr, "wccprouter: %s\n", err->text);
	return EXIT_FAILURE;
}

/* Fails if the disk is full or the reader has gone. */
static int routerd_client_finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fputs("wccprouter: the answer could not be written\n", stderr);
	return EXIT_FAILURE;
}

/* Join the words to one line, as the control socket expects it. */
static int routerd_client_join(int n, char **words, char line[CONTROL_MAX_LINE],
			       struct err *err)
{
	size_t used = 0;
	int i;

	for (i = 0; i < n; i++) {
		used += (size_t)snprintf(line + used, CONTROL_MAX_LINE - used, "%s%s",
					 i ? " " : "", words[i]);
		if (used >= CONTROL_MAX_LINE)
			return err_set(err, "the command is too long");
	}
	return 0;
}

static json_t *routerd_client_request(const char *socket, int n, char **words,
				      struct err *err)
{
	char line[CONTROL_MAX_LINE];

	if (routerd_client_join(n, words, line, err) < 0)
		return NULL;
	return control_client_ask("wccprouter", socket, line, err);
}

static int routerd_client_show(const char *socket, bool json, int n, char **words)
{
	struct show_request r;
	struct err err;
	json_t *answer;

	if (show_view_parse((unsigned)n - 1, words + 1, &r, &err) < 0)
		return routerd_client_complain(&err);
	answer = routerd_client_request(socket, n, words, &err);
	if (!answer)
		return routerd_client_complain(&err);
	if (json)
		control_client_print(answer);
	else
		show_text_print(answer, &r, stdout);
	json_decref(answer);
	return routerd_client_finish();
}

static int routerd_client_follow(const char *socket, int n, char **words)
{
	char line[CONTROL_MAX_LINE];
	struct err err;

	if (routerd_client_join(n, words, line, &err) < 0 ||
	    control_client_follow("wccprouter", socket, line, stdout, &err) < 0)
		return routerd_client_complain(&err);
	return routerd_client_finish();
}

/* Commands that only do something have succeeded if the answer is no refusal; it may
 * describe the new state. */
static int routerd_client_other(const char *socket, bool json, int n, char **words)
{
	struct err err;
	json_t *answer = routerd_client_request(socket, n, words, &err);

	if (!answer)
		return routerd_client_complain(&err);
	if (json)
		control_client_print(answer);
	else if (json_object_get(answer, "text"))
		printf("%s\n", json_get_text(answer, "text"));
	json_decref(answer);
	return routerd_client_finish();
}

int routerd_client_run(const char *socket, bool json, int n, char **words)
{
	if (strcmp(words[0], "show") == 0)
		return routerd_client_show(socket, json, n, words);
	if (strcmp(words[0], "follow") == 0)
		return routerd_client_follow(socket, n, words);
	return routerd_client_other(socket, json, n, words);
}
