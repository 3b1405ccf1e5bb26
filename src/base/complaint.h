/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_COMPLAINT_H
#define ONCELINK_COMPLAINT_H

/*
 * Why something cannot be done, in one sentence for the operator and without
 * any secret in it.
 */
struct complaint {
	char	 text[640];
};

/*
 * complaint(error, format, ...): write the sentence, cut when it is too long,
 * over the one before.  Returns -1, for its caller to return.
 */
int	 complaint(struct complaint *error, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
