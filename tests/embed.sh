#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What sql/embed.awk makes of SQL is, once compiled, that SQL again, byte for
# byte, with every awk there is; and a file that is missing is an error.

set -u
LC_ALL=C
export LC_ALL
srcdir=$(cd "${srcdir:-.}" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

cat >1.sql <<'END'
-- A "quoted" word, a 'single' one, a \ and a \\ and a \" and \n and \.
INSERT INTO t VALUES ('it''s "so"', '\', "a\b", '&', '\&', '%s %d');
	-- tabs	inside, trigraphs ??/ ??' ??= and ?, trailing blank 
SELECT '*/', '//', '/*', '\0', '\x41', '\101';

END
printf 'CREATE TABLE u (x) -- no newline at the end' >2.sql
i=0
while [ $i -lt 100 ]; do
	echo "-- a line to make this one longer than what C11 promises: \"$i\""
	i=$((i + 1))
done >3.sql
printf '%s\n' '#include <stdio.h>' '#include "store/migrate.h"' \
    'int main(void) { for (int i = 0; migrate_sql[i] != NULL; i++) {' \
    'printf("%s=====\n", migrate_sql[i]); } return 0; }' >main.c
{
	cat 1.sql
	echo =====
	cat 2.sql
	echo
	echo =====
	cat 3.sql
	echo =====
} >expected

count=0
report() {
	count=$((count + 1))
	echo "$1 $count - $2"
}

for awk in "${AWK:-awk}" mawk gawk original-awk 'busybox awk'; do
	command -v "${awk%% *}" >/dev/null || continue
	# shellcheck disable=SC2086	# a command and its argument
	if $awk -f "$srcdir/sql/embed.awk" 1.sql 2.sql 3.sql >embedded.c &&
	    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror \
	    -I"$srcdir/src" -o embedded embedded.c main.c &&
	    ./embedded >actual && cmp expected actual >&2; then
		report ok "$awk"
	else
		report "not ok" "$awk"
	fi
done

if "${AWK:-awk}" -v array=words -v header=other.h \
    -f "$srcdir/sql/embed.awk" 2.sql >named.c &&
    grep -q '^#include "other.h"$' named.c &&
    grep -q '^const char \*const words\[\] = {$' named.c; then
	report ok "another array and header"
else
	report "not ok" "another array and header"
fi

if "${AWK:-awk}" -f "$srcdir/sql/embed.awk" missing.sql >/dev/null 2>&1; then
	report "not ok" "a missing file is an error"
else
	report ok "a missing file is an error"
fi
echo "1..$count"
