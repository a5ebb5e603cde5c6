/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The side of wccprouter that asks a running one. */
#include "wccprouter/control/routerd_client.h"

#include "control_client.h"
#include "control.h"
#include "json_get.h"
#include "wccprouter/show/metrics.h"
#include "wccprouter/show/show_text.h"
#include "wccprouter/show/show_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const struct err *err)
{
	fprintf(stderr, "wccprouter: %s\n", err->text);
	return EXIT_FAILURE;
}

/* Also when the disk is full, or nobody reads. */
static int finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fputs("wccprouter: the answer could not be written\n", stderr);
	return EXIT_FAILURE;
}

/* The words as one line, as the control socket takes them. */
static int join(int n, char **words, char line[CONTROL_MAX_LINE], struct err *err)
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

static json_t *request(const char *socket, int n, char **words, struct err *err)
{
	char line[CONTROL_MAX_LINE];

	if (join(n, words, line, err) < 0)
		return NULL;
	return ask("wccprouter", socket, line, err);
}

static int do_show(const char *socket, bool json, int n, char **words)
{
	struct show_request r;
	struct err err;
	json_t *answer;

	if (show_view_parse((unsigned)n - 1, words + 1, &r, &err) < 0)
		return complain(&err);
	answer = request(socket, n, words, &err);
	if (!answer)
		return complain(&err);
	if (json)
		ask_print_json(answer);
	else
		show_text(answer, &r, stdout);
	json_decref(answer);
	return finish();
}

static int do_metrics(const char *socket)
{
	struct err err;
	json_t *all = ask("wccprouter", socket, "show", &err);

	if (!all)
		return complain(&err);
	metrics_print(all, stdout);
	json_decref(all);
	return finish();
}

static int do_follow(const char *socket, int n, char **words)
{
	char line[CONTROL_MAX_LINE];
	struct err err;

	if (join(n, words, line, &err) < 0 ||
	    ask_follow("wccprouter", socket, line, stdout, &err) < 0)
		return complain(&err);
	return finish();
}

/* Those that only do something are done when the answer is no refusal; it may say what
 * is so now. */
static int do_other(const char *socket, bool json, int n, char **words)
{
	struct err err;
	json_t *answer = request(socket, n, words, &err);

	if (!answer)
		return complain(&err);
	if (json)
		ask_print_json(answer);
	else if (json_object_get(answer, "text"))
		printf("%s\n", look_text(answer, "text"));
	json_decref(answer);
	return finish();
}

int client_run(const char *socket, bool json, int n, char **words)
{
	if (strcmp(words[0], "show") == 0)
		return do_show(socket, json, n, words);
	if (strcmp(words[0], "metrics") == 0 && n == 1)
		return do_metrics(socket);
	if (strcmp(words[0], "follow") == 0)
		return do_follow(socket, n, words);
	return do_other(socket, json, n, words);
}
