/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams that nobody should believe, to UDP port 2048:
 *
 *   flood SOURCE DESTINATION COUNT PER-SECOND SEED PASSWORD|- FOLDER
 *
 * The folder holds samples of good messages (wccp_samples makes it).  Most datagrams are
 * one of these with changes, many signed anew with the password, some are noise, some
 * are long.  The seed repeats a run.  Prints how many were sent.
 */
#include "codec.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 256, NOISE_MAX = 1472, LONG_MAX = 60000, BURST = 64 };

struct datagram {
	size_t len;
	uint8_t octets[WCCP_MAX_DATAGRAM];
};

static unsigned n_samples;
static struct datagram *samples[SAMPLES_MAX];
static struct codec_password password;
static uint64_t random_state;

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* splitmix64 */
static uint32_t any(uint32_t below)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) % below);
}

/* -- samples --------------------------------------------------------------------------- */

static void read_sample(const char *folder, const char *name)
{
	struct datagram *d = malloc(sizeof(*d));
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	if (!d || !f)
		die(path);
	d->len = fread(d->octets, 1, sizeof(d->octets), f);
	fclose(f);
	samples[n_samples++] = d;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* In an order that does not depend on the file system. */
static void read_samples(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, by_name);

	if (n < 0)
		die(folder);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && n_samples < SAMPLES_MAX)
			read_sample(folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (!n_samples) {
		fprintf(stderr, "flood: %s is empty\n", folder);
		exit(EXIT_FAILURE);
	}
}

/* -- one datagram ------------------------------------------------------------------------ */

static void noise(struct datagram *d, size_t most)
{
	d->len = any((uint32_t)most + 1);
	for (size_t i = 0; i < d->len; i++)
		d->octets[i] = (uint8_t)any(256);
}

/* Where lengths and counts are, mostly. */
static void set_word(struct datagram *d)
{
	static const uint32_t likely[] = {
		0, 1, 2, 32, 33, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff
	};
	uint32_t v = htonl(any(2) ? likely[any(10)] : any(UINT32_MAX));
	size_t width = any(2) ? 4 : 2;
	size_t at = d->len > 8 ? any((uint32_t)d->len / 2) * 2 : 0;

	if (at + width <= d->len)
		memcpy(d->octets + at, (uint8_t *)&v + 4 - width, width);
}

static void splice(struct datagram *d)
{
	const struct datagram *other = samples[any(n_samples)];
	size_t at = any((uint32_t)d->len + 1) & ~3u;
	size_t from = any((uint32_t)other->len + 1) & ~3u;
	size_t n = other->len - from;

	memcpy(d->octets + at, other->octets + from, n);
	d->len = at + n;
}

static void change(struct datagram *d)
{
	switch (any(6)) {
	case 0:
		if (d->len)
			d->octets[any((uint32_t)d->len)] ^= (uint8_t)(1u << any(8));
		break;
	case 1:
		if (d->len)
			d->octets[any((uint32_t)d->len)] = (uint8_t)any(256);
		break;
	case 2:
		d->len = any((uint32_t)d->len + 1);
		break;
	case 3:
	case 4:
		set_word(d);
		break;
	case 5:
		splice(d);
		break;
	}
}

/* So that not all of them end at the first check. */
static void mend(struct datagram *d)
{
	uint16_t length = htons((uint16_t)(d->len - WCCP_HEADER_LEN));

	if (d->len >= WCCP_HEADER_LEN && any(4))
		memcpy(d->octets + 6, &length, sizeof(length));
	if (password.set && any(4))
		codec_sign(d->octets, d->len, &password);
}

static void make(struct datagram *d)
{
	const struct datagram *sample = samples[any(n_samples)];

	switch (any(20)) {
	case 0:
		noise(d, NOISE_MAX);
		return;
	case 1:
		if (any(20) == 0) {
			noise(d, LONG_MAX);
			return;
		}
		break;
	}
	d->len = sample->len;
	memcpy(d->octets, sample->octets, d->len);
	for (unsigned n = any(6); n > 0; n--)
		change(d);
	mend(d);
}

/* -- sending ------------------------------------------------------------------------------ */

static int open_socket(const char *from, const char *to)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	struct sockaddr_in destination = { .sin_family = AF_INET,
					   .sin_port = htons(WCCP_PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, from, &source.sin_addr) != 1 ||
	    inet_pton(AF_INET, to, &destination.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0 ||
	    connect(fd, (struct sockaddr *)&destination, sizeof(destination)) < 0)
		die("socket");
	return fd;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Not faster than asked for, so that the receiver's buffer need not overflow. */
static void pace(double start, unsigned long sent, double per_second)
{
	double ahead = (double)sent / per_second - (seconds() - start);
	struct timespec t = { 0, (long)(ahead * 1e9) };

	if (ahead > 0 && ahead < 1)
		nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	static struct datagram d;
	unsigned long count, sent = 0;
	double start, per_second;
	int fd;

	if (argc != 8) {
		fputs("usage: flood SOURCE DESTINATION COUNT PER-SECOND SEED "
		      "PASSWORD|- "
		      "FOLDER\n",
		      stderr);
		return 2;
	}
	count = strtoul(argv[3], NULL, 10);
	per_second = strtod(argv[4], NULL);
	random_state = strtoull(argv[5], NULL, 10);
	if (strcmp(argv[6], "-") != 0 && codec_password(argv[6], &password, NULL) < 0)
		return 2;
	read_samples(argv[7]);
	fd = open_socket(argv[1], argv[2]);
	start = seconds();
	for (unsigned long i = 0; i < count; i++) {
		make(&d);
		/* Refused by port, or no room: the next one is another. */
		if (send(fd, d.octets, d.len, 0) >= 0)
			sent++;
		if (i % BURST == 0)
			pace(start, i, per_second);
	}
	close(fd);
	printf("%lu\n", sent);
	return EXIT_SUCCESS;
}
