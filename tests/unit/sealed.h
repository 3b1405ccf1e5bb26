/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TEST_SEALED_H
#define ONCELINK_TEST_SEALED_H

#include <json-c/json.h>

#include "faces.h"

/* Secrets of password.link's interface, made and looked at without a client:
 * what they seal is never opened there. */

/* Base64 of the least SJCL object, of half a password, and of no object. */
#define SEALED_OBJECT							\
	"eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0Ijoi"			\
	"QUFBQSIsIm1vZGUiOiJnY20iLCJrcyI6MjU2fQ=="
#define SEALED_PART	"ZmtnamJudmxha3dpZWpndXRu"
#define SEALED_NO_OBJECT "aGVsbG8="
#define SEALED_BOTH							\
	"\"ciphertext\":\"" SEALED_OBJECT				\
	"\",\"password_part_private\":\"" SEALED_PART "\""

#define SEALED_ID_SIZE	(TOKEN_BASE62_LENGTH + 1)

/* A site with accounts `one' and `two', and their keys. */
struct sealed {
	struct faces	*faces;
	char		 private[FACES_KEY_SIZE];	/* of `one' */
	char		 public[FACES_KEY_SIZE];
	char		 other[FACES_KEY_SIZE];		/* of `two', private */
};

/* sealed_setup(state), sealed_teardown(state): for cmocka. */
int	 sealed_setup(void **state);
int	 sealed_teardown(void **state);

/* sealed_open(settings), sealed_close(sealed): the same with settings. */
struct sealed *sealed_open(const char *settings);
void	 sealed_close(struct sealed *sealed);

/* sealed_post(sealed, key, members): make a secret of these members (JSON
 * without braces).  Returns the status. */
int	 sealed_post(struct sealed *sealed, const char *key,
	    const char *members);

/* sealed_make(sealed, members, id): SEALED_BOTH and these (each with a comma
 * before it), by `private'; it must be 201. */
void	 sealed_make(struct sealed *sealed, const char *members,
	    char id[SEALED_ID_SIZE]);

/* sealed_get(sealed, key, id), sealed_view(sealed, key, id, password): view
 * it; password as in the header, NULL for none.  Returns the status. */
int	 sealed_get(struct sealed *sealed, const char *key, const char *id);
int	 sealed_view(struct sealed *sealed, const char *key, const char *id,
	    const char *password);

/* sealed_delete(sealed, key, id): delete it.  Returns the status. */
int	 sealed_delete(struct sealed *sealed, const char *key,
	    const char *id);

/* sealed_list(sealed, key, query): a page, where query is "" or "?…"; it must
 * be 200. */
void	 sealed_list(struct sealed *sealed, const char *key,
	    const char *query);

/* sealed_at(sealed, path): what stands in the last answer at a path such as
 * `data/0/id', as text (strings without quotes); fails the test when nothing
 * does.  Valid until the next call. */
const char *sealed_at(struct sealed *sealed, const char *path);

/* sealed_says(sealed, path, text): it is this. */
void	 sealed_says(struct sealed *sealed, const char *path,
	    const char *text);

/* sealed_count(sealed, path): how many members or rows it has. */
size_t	 sealed_count(struct sealed *sealed, const char *path);

/* sealed_refused(sealed, status, want, field, sentence): an error about field
 * (NULL: none), whose message begins with that sentence. */
void	 sealed_refused(struct sealed *sealed, int status, int want,
	    const char *field, const char *sentence);

/* sealed_base64(bytes, size, text, room): with padding, and a NUL byte. */
void	 sealed_base64(const void *bytes, size_t size, char *text,
	    size_t room);

#endif
