/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The standard descriptors, 0 to 2. */
#include "descriptors.h"

#include <fcntl.h>
#include <unistd.h>

void descriptors_open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}
