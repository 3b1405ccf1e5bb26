/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl verify-erased: what the promise that nothing is left means on
 * this machine: secrets are planted, found on the disk as they should be, used
 * up, and looked for again.
 */
#include <sys/random.h>
#include <sys/vfs.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/conf.h"
#include "core/site.h"
#include "core/trial.h"
#include "crypto/seal.h"
#include "prog/ctl.h"
#include "prog/ctl_scan.h"
#include "store/store.h"

#define SECRETS		64u
#define SIZE_MAX_BYTES	200000u
#define SOMETHING_LEFT	1	/* sysexits.h has none for this */

#define LOOKS		5

/* Readers may hold the erasing up; this often it is tried. */
#define TRIES		100
#define PAUSE		100000	/* microseconds */

/* What of a secret is looked for: three numbers each in the scan. */
enum part { PART_SEALED, PART_PLAIN, PART_TOKEN, PART__MAX };

struct planting {
	struct site	*site;
	struct arena	*arena;
	struct ctl_scan	*scan;
	struct trial	 trials[SECRETS];
	size_t		 planted;
	unsigned int	 found[SECRETS * PART__MAX];
	uint64_t	 read;		/* bytes, by the last look */
	uint8_t		 payload[SIZE_MAX_BYTES];
};

static size_t
size_of(size_t index)
{
	static const size_t	 sizes[] = { 16, 1000, 20000, SIZE_MAX_BYTES };

	return sizes[index % (sizeof(sizes) / sizeof(*sizes))];
}

static int
fill(void *bytes, size_t size)
{
	uint8_t	*at = bytes;
	ssize_t	 got;

	for (; size > 0; at += got, size -= (size_t)got)
		if ((got = getrandom(at, size, 0)) <= 0)
			return -1;
	return 0;
}

/* Returns 0 or a STORE_ failure. */
static int
plant(struct planting *planting, size_t index)
{
	struct trial	*trial = &planting->trials[index];
	const uint8_t	*sealed;
	size_t		 size, number = index * PART__MAX;
	int		 failure;

	*trial = (struct trial){ .kind = SECRET_V2,
		.payload = planting->payload, .payload_size = size_of(index) };
	if (fill(planting->payload, trial->payload_size) == -1)
		return STORE_FAILED;
	failure = trial_create(planting->site, planting->arena, trial);
	if (failure != 0)
		return failure;
	planting->planted++;
	failure = trial_sealed(planting->site, planting->arena, trial,
	    &sealed, &size);
	if (failure == 0 && (ctl_scan_add(planting->scan, number +
	    PART_SEALED, sealed, size) == -1 || ctl_scan_add(planting->scan,
	    number + PART_PLAIN, planting->payload,
	    trial->payload_size) == -1 || ctl_scan_add(planting->scan,
	    number + PART_TOKEN, trial->token, sizeof(trial->token)) == -1))
		failure = STORE_FAILED;
	arena_reset(planting->arena);
	return failure;
}

/* Every other one is read, the rest burned. */
static int
use_up(struct planting *planting)
{
	struct trial	*trial;
	bool		 same;
	int		 failure = 0;

	for (size_t i = 0; i < planting->planted && failure == 0; i++) {
		trial = &planting->trials[i];
		if (i / 4 % 2 == 0)
			failure = trial_read(planting->site, planting->arena,
			    trial, &same);
		else
			failure = trial_forget(planting->site, trial->token);
		arena_reset(planting->arena);
	}
	return failure;
}

static int
erase(struct planting *planting)
{
	int	 result = 1;

	for (int try = 0; try < TRIES && result == 1; try++) {
		if (try > 0)
			clock_sleep_us(PAUSE);
		result = store_checkpoint(planting->site->store);
	}
	return result;
}

/* How many of the secrets have such a part on the disk; -1: it cannot be
 * read. */
static int
look(struct planting *planting, int count[PART__MAX])
{
	for (size_t i = 0; i < SECRETS * PART__MAX; i++)
		planting->found[i] = 0;
	for (size_t part = 0; part < PART__MAX; part++)
		count[part] = 0;
	if (ctl_scan_directory(planting->scan,
	    planting->site->conf->state_dir, planting->found,
	    &planting->read) == -1)
		return -1;
	for (size_t i = 0; i < SECRETS * PART__MAX; i++)
		count[i % PART__MAX] += planting->found[i] > 0;
	return 0;
}

/* Does the file system write over a file's blocks where they are, as far as is
 * known?  The numbers are those of statfs(2). */
static bool
is_in_place(const char *directory)
{
	static const unsigned int	 known[] = {
		0xef53,		/* ext2, ext3, ext4 */
		0x58465342,	/* XFS */
		0x01021994,	/* tmpfs */
	};
	struct statfs			 status;

	if (statfs(directory, &status) == -1)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((unsigned int)status.f_type == known[i])
			return true;
	return false;
}

static int
unreadable(void)
{
	return ctl_complain(EX_UNAVAILABLE, "a file of the state directory "
	    "cannot be read; run this as the worker's user");
}

/* Before: the records must be there, or the look finds nothing ever. */
static int
verify_planted(struct planting *planting)
{
	int	 count[PART__MAX];

	/* What a worker wrote back from the log meanwhile was in neither of
	 * the two files when it was looked at. */
	for (int look_again = LOOKS; look_again > 0; look_again--) {
		if (look(planting, count) == -1)
			return unreadable();
		if (count[PART_SEALED] == (int)SECRETS)
			break;
	}
	if (count[PART_SEALED] != (int)SECRETS)
		return ctl_complain(EX_SOFTWARE, "only %d of %u sealed "
		    "records were found where they must be: this look proves "
		    "nothing", count[PART_SEALED], SECRETS);
	if (count[PART_PLAIN] + count[PART_TOKEN] != 0)
		return ctl_complain(SOMETHING_LEFT, "the disk tells %d texts "
		    "and %d tokens: stop the worker and keep the files",
		    count[PART_PLAIN], count[PART_TOKEN]);
	printf("planted %u secrets: all records on the disk are sealed\n",
	    SECRETS);
	return EX_OK;
}

static int
verify_erased(struct planting *planting)
{
	int	 count[PART__MAX], erased;

	if ((erased = erase(planting)) == 1)
		return ctl_complain(SOMETHING_LEFT, "a program that reads the "
		    "database holds up its erasing: find and end it (a "
		    "backup, the sqlite3 program)");
	if (erased != 0)
		return ctl_store_failed(erased);
	if (look(planting, count) == -1)
		return unreadable();
	for (size_t part = 0; part < PART__MAX; part++)
		if (count[part] != 0)
			return ctl_complain(SOMETHING_LEFT, "of %u secrets "
			    "that are over %d left something on the disk",
			    SECRETS, count[part]);
	printf("used all of them up: nothing of them is left in %" PRIu64
	    " bytes of files\n", planting->read);
	if (!is_in_place(planting->site->conf->state_dir))
		puts("this file system may write elsewhere what is overwritten "
		    "(oncelinkctl(8)): old blocks may hold sealed records");
	return ctl_flush();
}

static int
verify(struct planting *planting)
{
	int	 failure = 0, result;

	while (failure == 0 && planting->planted < SECRETS)
		failure = plant(planting, planting->planted);
	if (failure != 0)
		return ctl_store_failed(failure);
	if ((result = verify_planted(planting)) != EX_OK)
		return result;
	failure = use_up(planting);
	return failure != 0 ? ctl_store_failed(failure) :
	    verify_erased(planting);
}

static int
run(struct site *site, const struct ctl_call *call)
{
	struct planting	*planting;
	int		 result = EX_OSERR;

	(void)call;
	if ((planting = calloc(1, sizeof(*planting))) == NULL)
		return ctl_complain(EX_OSERR, "there is no memory");
	planting->site = site;
	planting->arena = arena_create();
	planting->scan = ctl_scan_create();
	if (planting->arena == NULL || planting->scan == NULL)
		ctl_complain(result, "there is no memory");
	else
		result = verify(planting);
	for (size_t i = 0; i < planting->planted; i++)
		trial_forget(site, planting->trials[i].token);
	ctl_scan_destroy(planting->scan);
	arena_destroy(planting->arena);
	free(planting);
	return result;
}

int
ctl_erased_run(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SWEEPER, run);
}
