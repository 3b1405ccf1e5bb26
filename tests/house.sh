#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Holds the rules of the house that a compiler does not know: DESIGN.md's list
# of files, the prefixes, the arrows between the directories, words that must
# not occur.  Each check prints what breaks it, and each is first shown a tree
# with that fault planted in it.

set -u
LC_ALL=C
export LC_ALL
srcdir=${srcdir:-.}
builddir=${builddir:-.}
NM=${NM:-nm}
tab=$(printf '\t')

# Every check runs in the tree that it looks at.

sources() {
	find src tests -name '*.[ch]' ! -name migrate_sql.c \
	    ! -name openapi_text.c | sort
}

# Files that people wrote, without what a build in the tree leaves there.
tree() {
	{
		find src sql tests -type f \( -name '*.*' -o -name run \) \
		    ! -name '*.o' ! -name '*.a' ! -name '*.log' \
		    ! -name '*.trs' ! -name '*.pyc' ! -name '*.Po' \
		    ! -name '.dirstamp' ! -name 'oncelink.fcgi' \
		    ! -name migrate_sql.c ! -name openapi_text.c \
		    ! -path 'tests/mutants/*'
		find conf cgi-bin htdocs man openapi -type f
	} | sort
}

# The last section of DESIGN.md: a path in the first column, [ch] for two.
listed() {
	sed -n '/^## Files/,$ s/^    \([a-z-]*\/[^ ]*\) .*/\1/p' DESIGN.md |
	    sed 's/\(.*\)\[ch\]$/\1c\n\1h/' | sort
}

check_files() {
	tree >"$scratch/tree"
	listed >"$scratch/listed"
	comm -23 "$scratch/tree" "$scratch/listed" |
	    sed 's/$/: not in DESIGN.md/'
	comm -13 "$scratch/tree" "$scratch/listed" |
	    sed 's/$/: not in the tree/'
	uniq -d "$scratch/listed" | sed 's/$/: twice in DESIGN.md/'
}

check_makefile() {
	for file in src/*/*.[ch] tests/unit/*.c tests/system/*.py \
	    tests/torture/*.[ch] tests/torture/*.py; do
		case $file in
		*/migrate_sql.c | */openapi_text.c | *'*'*)
			continue
			;;
		tests/unit/*_test.c)
			name=${file%.c}
			;;
		*)
			name=$file
			;;
		esac
		# An attack's own source is not named, as a unit test's is not.
		tr -s ' \t' '\n' <Makefile.am | grep -Fqx -e "$name" \
		    -e "tests/torture/$(basename "$name" .c)" ||
			echo "$name: not in Makefile.am"
	done
}

# A file's name is the prefix of all it exports; the files of src/store may
# export the calls of store.h; wipe.c replaces two of the C library's, lent.c
# one.
check_prefixes() {
	find src -name '*.o' | sort | while read -r object; do
		stem=$(basename "$object" .o)
		$NM -g --defined-only "$object" | awk -v stem="$stem" \
		    -v object="$object" '
		    NF != 3 || $3 ~ /^__/ { next }
		    $3 == stem || index($3, stem "_") == 1 { next }
		    object ~ /^src\/store\// && $3 ~ /^store_/ { next }
		    object ~ /^src\/prog\// && stem != "start" &&
			$3 == "main" { next }
		    stem == "wipe" && ($3 == "free" || $3 == "realloc") { next }
		    stem == "lent" && $3 == "strdup" { next }
		    { print object ": exports " $3 }'
	done
}

# prog > web > core > crypto, store > base; and no header beside the ways.
check_arrows() {
	sources | xargs awk '
	BEGIN {
		rank["base"] = 1; rank["crypto"] = rank["store"] = 2
		rank["core"] = 3; rank["web"] = 4; rank["prog"] = 5
	}
	function only(header, place) {
		if (index($0, "<" header) && FILENAME !~ place)
			print FILENAME ": includes " header
	}
	FILENAME !~ /^src\// || !/^#[ \t]*include/ { next }
	{
		only("fcgi", "^src/web/fcgi\\.c$")
		only("sqlite3", "^src/store/")
		only("json", "^src/web/json_read\\.c$")
		only("curl", "^src/prog/ctl_http\\.c$")
		only("sodium", "^src/(crypto/[a-z0-9_]*|prog/start)\\.c$")
		only("ini.h", "^src/base/conf[a-z_]*\\.c$")
	}
	/"/ {
		split(FILENAME, from, "/")
		split($0, part, "\"")
		split(part[2], to, "/")
		if (part[2] !~ /^[a-z]+\/[a-z0-9_]+\.h$/ || !(to[1] in rank))
			print FILENAME ": " part[2] " is not DIRECTORY/FILE.h"
		else if (from[2] != to[1] && rank[to[1]] >= rank[from[2]])
			print FILENAME ": may not include " part[2]
	}'
}

# No SQL outside src/store/sqlite.c and sql/.
check_sql() {
	verbs='SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA'
	verbs="($verbs|SAVEPOINT|RELEASE|BEGIN) [A-Za-z0-9_*]|COMMIT|ROLLBACK"
	find src -name '*.[ch]' ! -name migrate_sql.c \
	    ! -name openapi_text.c ! -path src/store/sqlite.c | sort |
	    xargs grep -nE "\"[[:space:]]*($verbs)"
}

check_words() {
	calls='strcpy|strcat|sprintf|vsprintf|atoi|atol|gets|system|popen'
	sources | xargs grep -nE \
	    "(^|[^A-Za-z0-9_])($calls)[[:space:]]*\\("
	find src sql conf htdocs tests bootstrap configure.ac Makefile.am m4 \
	    \( -name '*.[chm]*' -o -name '*.py' -o -name '*.s*' \
	    -o -name 'bootstrap' -o -name '*.a*' -o -name 'run' \) -type f \
	    ! -name '*.o' ! -name '*.a' ! -name house.sh | sort |
	    xargs grep -nwE 'TODO|FIXME|XXX|HACK'
}

# What each mutant takes out is still there, and told to readers too.
check_mutants() {
	for file in tests/mutants/*.patch; do
		[ -e "$file" ] || continue
		name=$(basename "$file" .patch)
		guard=$(sed -n 's/^Guard: //p' "$file" | head -n 1)
		attack=$(sed -n 's/^Attack: //p' "$file" | head -n 1)
		grep -Fqx -- "| $name | $guard | $attack |" TESTING.md ||
			echo "$file: not in TESTING.md as its head has it"
		patch -p1 -s -f --dry-run <"$file" >/dev/null 2>&1 ||
			echo "$file: does not apply"
	done
	sed -n '/^## Guards/,$ s/^| \([a-z0-9_]*\) | .* |$/\1/p' TESTING.md |
	    while read -r name; do
		[ -e "tests/mutants/$name.patch" ] ||
			echo "$name: in TESTING.md, not in tests/mutants"
	done
}

# SECURITY.md: each claim has a number, and names what shows it: files, and
# words that are in the last file named before them.
check_claims() {
	awk '
	/^## / {
		inside = $0 == "## Claims"
	}
	!inside { next }
	/^[0-9]+\. / {
		if (last != "" && !shown)
			print "- " last " nothing"
		if ($1 + 0 != last + 1)
			print "- " $1 + 0 " order"
		last = $1 + 0
		shown = naming = 0
		file = "file"
	}
	/^ +Shown by / { shown = naming = 1 }
	/^$/ { naming = 0 }
	naming {
		n = split($0, part, "`")
		for (i = 2; i <= n; i += 2) {
			if (part[i] ~ /\//)
				file = part[i]
			print file, last, part[i]
		}
	}
	END { if (last != "" && !shown) print "- " last " nothing" }
	' SECURITY.md | while read -r file claim word; do
		if [ "$file" = - ]; then
			case $word in
			nothing) echo "claim $claim: shown by nothing" ;;
			*) echo "claim $claim: out of order" ;;
			esac
		elif [ ! -f "$file" ]; then
			echo "claim $claim: there is no $file"
		elif [ "$file" != "$word" ] && ! grep -qwF -e "$word" "$file"
		then
			echo "claim $claim: $file has no $word"
		fi
	done
}

check_heads() {
	sources | xargs awk '
	FNR == 1 && $0 != "/* SPDX-License-Identifier: ISC */" {
		print FILENAME ": does not begin with its licence"
	}
	FILENAME ~ /\.c$/ && (FNR == 2 && !/^(\/\*|$)/ ||
	    FNR == 3 && before == "" && !/^\/\*/) {
		print FILENAME ": does not say what it is"
	}
	{ before = $0 }'
}

check_width() {
	{
		sources
		find sql tests m4 bootstrap configure.ac Makefile.am \
		    \( -name '*.sql' -o -name '*.awk' -o -name '*.py' \
		    -o -name '*.sh' -o -name '*.m4' -o -name bootstrap \
		    -o -name configure.ac -o -name Makefile.am \)
	} | while read -r file; do
		expand "$file" | awk -v file="$file" '
		{
			gsub(/[\200-\277]/, "")
			if (length($0) > 80)
				print file ":" FNR ": wider than 80 columns"
		}'
	done
}

. "$srcdir/tests/tap.sh"

# holds_in NAME DIRECTORY: the tree of the project keeps this rule.
holds_in() {
	report "$1" "$(cd "$2" && "check_$1" 2>&1)"
}

# sees NAME FILE TEXT: a tree with FILE as its only fault is found out.
sees() {
	rm -rf "$scratch/planted"
	mkdir -p "$scratch/planted/src/base" "$scratch/planted/src/core" \
	    "$scratch/planted/src/web" "$scratch/planted/src/store" \
	    "$scratch/planted/src/crypto" "$scratch/planted/src/prog" \
	    "$scratch/planted/sql" "$scratch/planted/conf" \
	    "$scratch/planted/htdocs" "$scratch/planted/tests/unit" \
	    "$scratch/planted/tests/system" "$scratch/planted/m4" \
	    "$scratch/planted/man" "$scratch/planted/cgi-bin" \
	    "$scratch/planted/openapi" "$scratch/planted/tests/mutants" \
	    "$scratch/planted/tests/torture"
	: >"$scratch/planted/TESTING.md"
	: >"$scratch/planted/SECURITY.md"
	: >"$scratch/planted/bootstrap"
	: >"$scratch/planted/configure.ac"
	echo 'sources = src/base/good.c' >"$scratch/planted/Makefile.am"
	printf '%s\n' '## Files' '' '    src/base/good.c   the good one' \
	    >"$scratch/planted/DESIGN.md"
	printf '%s\n' '/* SPDX-License-Identifier: ISC */' \
	    '/* Knows what is good. */' 'int good_one(void);' \
	    'int good_one(void) { return 1; }' \
	    >"$scratch/planted/src/base/good.c"
	cd "$scratch/planted" || exit 1
	before=$("check_$1" 2>&1)
	printf '%b\n' "$3" >"$2"
	case $2 in
	*.o)
		rm -f "$2"
		printf '%b\n' "$3" >fault.c
		${CC:-cc} -c -o "$2" fault.c && rm -f fault.c
		;;
	esac
	after=$("check_$1" 2>&1)
	cd "$home" || exit 1
	fault=
	[ -z "$before" ] || fault="a tree without fault: $before"
	case $after in
	*"$4"*) ;;
	*)
		fault="$fault planted in $2, said: ${after:-nothing}"
		;;
	esac
	report "$1 sees $4" "$fault"
}

home=$(pwd)
srcdir=$(cd "$srcdir" && pwd)
builddir=$(cd "$builddir" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
head='/* SPDX-License-Identifier: ISC */\n/* Is a fault. */\n'

holds_in files "$srcdir"
holds_in makefile "$srcdir"
holds_in prefixes "$builddir"
holds_in arrows "$srcdir"
holds_in sql "$srcdir"
holds_in words "$srcdir"
holds_in mutants "$srcdir"
holds_in claims "$srcdir"
holds_in heads "$srcdir"
holds_in width "$srcdir"

sees files src/base/bad.c "$head" 'src/base/bad.c: not in DESIGN.md'
sees files DESIGN.md '## Files\n\n    src/base/good.c  a\n    sql/bad.sql  b' \
    'sql/bad.sql: not in the tree'
sees files tests/unit/x_test.c "$head" 'tests/unit/x_test.c: not in DESIGN.md'
sees files conf/bad '# Is a fault.' 'conf/bad: not in DESIGN.md'
sees files cgi-bin/bad '# Is a fault.' 'cgi-bin/bad: not in DESIGN.md'
sees makefile src/base/bad.c "$head" 'src/base/bad.c: not in Makefile.am'
sees makefile tests/system/test_bad.py '' 'test_bad.py: not in Makefile.am'
sees makefile tests/unit/x_test.c "$head" 'tests/unit/x_test: not in Makefile'
sees makefile tests/torture/bad.py '' 'tests/torture/bad.py: not in Makefile'
sees mutants tests/mutants/bad.patch 'Guard: a\nAttack: b' 'bad.patch: not in'
sees mutants TESTING.md '## Guards\n| gone | a | b |' 'gone: in TESTING.md, not'
sees claims SECURITY.md '## Claims\n\n1. A.\n   Shown by `tests/x.c`.' \
    'claim 1: there is no tests/x.c'
sees claims SECURITY.md \
    '## Claims\n\n1. A.\n   Shown by `src/base/good.c`:\n   `bad_one`.' \
    'claim 1: src/base/good.c has no bad_one'
sees claims SECURITY.md '## Claims\n\n1. A.\n\n## Where' \
    'claim 1: shown by nothing'
sees claims SECURITY.md '## Claims\n\n2. A.\n   Shown by `tests/x.c`.' \
    'claim 2: out of order'
sees mutants tests/mutants/none.patch '--- a/src/base/good.c
+++ b/src/base/good.c
@@ -1 +1 @@
-int another_one(void);
+int no_one(void);' 'none.patch: does not apply'
sees prefixes src/base/bad.o 'int badly(void) { return 1; }' 'exports badly'
sees prefixes src/core/bad.o 'int store_x(void) { return 1; }' 'store_x'
sees prefixes src/base/bad.o 'int main(void) { return 1; }' 'exports main'
sees prefixes src/prog/start.o 'int main(void) { return 1; }' 'exports main'
sees arrows src/core/bad.c "$head#include \"web/http.h\"" \
    'may not include web/http.h'
sees arrows src/crypto/bad.c "$head#include \"store/store.h\"" \
    'may not include store/store.h'
sees arrows src/base/bad.h "$head#include \"core/site.h\"" \
    'may not include core/site.h'
sees arrows src/base/bad.c "$head#include \"bad.h\"" 'is not DIRECTORY/FILE.h'
sees arrows src/web/app.c "$head#include <fcgiapp.h>" 'includes fcgi'
sees arrows src/core/bad.c "$head#include <sqlite3.h>" 'includes sqlite3'
sees arrows src/web/bad.c "$head#include <json-c/json.h>" 'includes json'
sees arrows src/core/bad.c "$head#include <sodium.h>" 'includes sodium'
sees arrows src/prog/bad.c "$head#include <curl/curl.h>" 'includes curl'
sees sql src/store/bad.c "$head\"SELECT 1\"" 'SELECT 1'
sees sql src/web/bad.c "$head\" UPDATE t SET" 'UPDATE t'
sees sql src/core/bad.c "$head\"COMMIT\"" 'COMMIT'
sees words src/base/bad.c "${head}x = atoi(y);" 'atoi(y)'
sees words src/base/bad.c "$head${tab}sprintf (y);" 'sprintf (y)'
sees words sql/bad.sql '-- FIXME later' 'FIXME later'
sees heads src/base/bad.c '/* Is a fault. */' 'does not begin with'
sees heads src/base/bad.c '/* SPDX-License-Identifier: ISC */\nint x;' \
    'does not say what it is'
sees heads src/base/bad.c '/* SPDX-License-Identifier: ISC */\n\nint x;' \
    'does not say what it is'
sees width src/base/bad.c "$head$(printf '%081d' 0)" 'wider than 80'
sees width tests/system/bad.py "$(printf '\t%073d' 0)" 'wider than 80'

echo "1..$count"
