/* SPDX-License-Identifier: ISC */
/*
 * Connections to a worker, as libfcgi reads them.  Behind each comes one with a
 * request that is good: whatever the first was, that one is served.  It says
 * something that nobody knows before, so that no input passes for it.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <fcgiapp.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define LONGEST 65536		/* fits into a socket */
/* Answers to a longer one might not fit: its sender hears none. */
#define HEARD	1024

#define BEGIN	1
#define PARAMS	4
#define STDIN	5
#define MARK	16		/* characters */

/* What libfcgi forgets: a few bytes of each record whose type it does not
 * know, see TESTING.md.  Where it is not built anew it has no such names. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:^ProcessManagementRecord$\nleak:libfcgi.so\n";
}

static struct sockaddr_un address;
static socklen_t	 address_size = sizeof(address);
static FCGX_Request	 request;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int	 fd;

	(void)argc;
	(void)argv;
	(void)signal(SIGPIPE, SIG_IGN);
	fuzz_must(sodium_init() >= 0);
	fuzz_must((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) != -1);
	/* A family alone: the kernel finds a name that is in no file system. */
	address.sun_family = AF_UNIX;
	fuzz_must(bind(fd, (struct sockaddr *)&address,
	    sizeof(address.sun_family)) == 0);
	fuzz_must(getsockname(fd, (struct sockaddr *)&address,
	    &address_size) == 0);
	fuzz_must(listen(fd, 8) == 0);
	fuzz_must(FCGX_Init() == 0);
	fuzz_must(FCGX_InitRequest(&request, fd, 0) == 0);
	return 0;
}

/*
 * Two faults of libfcgi end the program, whoever may connect can have them, and
 * they are known (TESTING.md).  No length here is more than 16 MiB, and nobody
 * asks for more values than three.
 */
static bool
is_harmless(uint8_t *bytes, size_t size)
{
	static const char *const names[] = {
		"FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"
	};
	const uint8_t	*p, *end = bytes + size;
	int		 asked = 0;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] > 0x80)
			bytes[i] &= 0x80;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (p = bytes; (p = memmem(p, (size_t)(end - p), names[i],
		    strlen(names[i]))) != NULL; p++)
			asked++;
	return asked <= 3;
}

/* A connection with these bytes behind which nothing comes. */
static int
send_bytes(const void *bytes, size_t size)
{
	int	 fd;

	fuzz_must((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) != -1);
	fuzz_must(connect(fd, (struct sockaddr *)&address, address_size) == 0);
	fuzz_must(send(fd, bytes, size, MSG_DONTWAIT) == (ssize_t)size);
	fuzz_must(shutdown(fd, SHUT_WR) == 0);
	return fd;
}

static size_t
put_record(uint8_t *record, uint8_t type, const void *content, uint8_t size)
{
	const uint8_t	 head[8] = { 1, type, 0, 1, 0, size, 0, 0 };

	memcpy(record, head, sizeof(head));
	if (size > 0)
		memcpy(record + sizeof(head), content, size);
	return sizeof(head) + size;
}

static int
send_good(const char *mark)
{
	static const uint8_t responder[8] = { 0, 1 };
	uint8_t	 bytes[256], param[2 + 4 + MARK] = { 4, MARK };
	size_t	 size;

	memcpy(param + 2, "MARK", 4);
	memcpy(param + 6, mark, MARK);
	size = put_record(bytes, BEGIN, responder, sizeof(responder));
	size += put_record(bytes + size, PARAMS, param, sizeof(param));
	size += put_record(bytes + size, PARAMS, NULL, 0);
	size += put_record(bytes + size, STDIN, "good", 4);
	size += put_record(bytes + size, STDIN, NULL, 0);
	return send_bytes(bytes, size);
}

/* All that a worker asks libfcgi for.  Was it the good one? */
static bool
serve(const char *mark)
{
	const char	*value;
	char		 body[100];
	size_t		 size = 0;
	int		 got;

	for (char **p = request.envp; *p != NULL; p++)
		fuzz_must(strlen(*p) <= LONGEST);
	while ((got = FCGX_GetStr(body, sizeof(body), request.in)) > 0) {
		fuzz_must(got <= (int)sizeof(body));
		size += (size_t)got;
	}
	value = FCGX_GetParam("MARK", request.envp);
	if (value == NULL || strcmp(value, mark) != 0) {
		(void)FCGX_PutStr("nothing", 7, request.out);
		return false;
	}
	fuzz_must(size == 4 && memcmp(body, "good", 4) == 0);
	fuzz_must(FCGX_PutStr(mark, MARK, request.out) == MARK);
	return true;
}

static void
check_answer(int fd, const char *mark)
{
	char	 answer[1024];
	size_t	 size = 0;
	ssize_t	 got;

	while ((got = read(fd, answer + size, sizeof(answer) - size)) > 0)
		size += (size_t)got;
	fuzz_must(got == 0 && memmem(answer, size, mark, MARK) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t	*raw, number[MARK / 2];
	char	 mark[MARK + 1];
	int	 hostile, good;
	bool	 served;

	if (size > LONGEST)
		return 0;
	raw = fuzz_fence(0, bytes, size);
	if (!is_harmless(raw, size))
		return 0;
	randombytes_buf(number, sizeof(number));
	(void)sodium_bin2hex(mark, sizeof(mark), number, sizeof(number));
	hostile = send_bytes(raw, size);
	if (size > HEARD) {
		(void)close(hostile);
		hostile = -1;
	}
	good = send_good(mark);
	do {
		fuzz_must(FCGX_Accept_r(&request) == 0);
		served = serve(mark);
		FCGX_Finish_r(&request);
	} while (!served);
	check_answer(good, mark);
	(void)close(good);
	if (hostile != -1)
		(void)close(hostile);
	return 0;
}
