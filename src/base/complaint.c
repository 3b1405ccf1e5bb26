/* SPDX-License-Identifier: ISC */

/* This file knows how a complaint is written down. */

#include <stdarg.h>
#include <stdio.h>

#include "base/complaint.h"

int
complaint(struct complaint *error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, ap);
	va_end(ap);
	return -1;
}
