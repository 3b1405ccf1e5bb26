/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_ERRORS_CALLS_H
#define ONCELINK_ERRORS_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "../unit/faces.h"
#include "../unit/sealed.h"
#include "../unit/secrets.h"

/* Each call of each interface, with what it answers when nothing fails. */

/* What one call is made with. */
struct errors_bench {
	struct sealed	*sealed;
	struct faces	*faces;
	struct secrets_one one;
	char		 text[128];	/* the key, id or uuid of this call */
	char		 uri[256];
	bool		 burn;		/* a large one is there */
};

struct errors_endpoint {
	const char	*name;
	void		 (*prepare)(struct errors_bench *);
	int		 (*ask)(struct errors_bench *);
	int		 normal;	/* its status */
	int		 after;		/* of the same again; 0: as before */
	bool		 (*good)(const struct errors_bench *);	/* the answer */
	/* Somebody else, after it was done; changes nothing. */
	int		 (*other)(struct errors_bench *);
	int		 over;		/* is told this */
	bool		 large;		/* a record in hundreds of pieces */
};

extern const struct errors_endpoint errors_endpoints[];
extern const size_t errors_endpoints_count;

/* errors_begin(): before the first of them. */
void	 errors_begin(void);

#endif
