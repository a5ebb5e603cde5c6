/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The standard descriptors, 0 to 2. */
#ifndef WCCPD_DESCRIPTORS_H
#define WCCPD_DESCRIPTORS_H

/* Call first in main().  Whichever of 0 to 2 are closed become /dev/null: otherwise a
 * socket or a BPF map would get the number, and what is printed or logged would go
 * there. */
void descriptors_open_standard(void);

#endif
