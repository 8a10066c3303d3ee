/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What main.c must know of rows_exec.c. */
#pragma once

/*
 * The program that "running-text" starts: tells address and sum of a page of
 * its text, and again for every byte that comes, until there are no more.
 */
int text_victim(void);
