#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Holds the manual pages against the programs: every setting with its range
# and default, every call, every option, variable, event and exit status, in
# both directions.  Each check prints what differs, and each is first shown a
# page with that fault in it.

set -u
LC_ALL=C
export LC_ALL
srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=$(cd "${builddir:-.}" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The pages of a directory, words put in, are looked at in $pages.
pages=$builddir/ready/man

# differ WHAT EXPECTED FOUND: print the lines that only one of two files has,
# or that they have in another order.
differ() {
	cmp -s "$2" "$3" && return
	diff "$2" "$3" | sed -n "s/^</$1: not on the page:/p
	    s/^>/$1: only on the page:/p"
}

# body PAGE MACRO NAME: the lines of an item, without the macros' names.
body() {
	awk -v head=".It $2 $3" '
	/^\.\\"/ { next }
	/^\.(It|El|Sh|Ss)/ {
		inside = $0 == head || index($0, head " ") == 1
		next
	}
	!inside { next }
	{
		n = split($0, word, " ")
		for (i = 1; i <= n; i++) {
			if (i == 1 && word[i] ~ /^\./ ||
			    word[i] ~ /^(Cm|Ic|Ql|Pa|Ev|Dv|Ar|Ns|No)$/)
				continue
			if (word[i] !~ /^[.,;:)]$/)
				printf " "
			printf "%s", word[i]
		}
	}
	END { print " " }' "$pages/$1"
}

# What `oncelinkctl config` says of each setting without a file:
# NAME|allowed|default.
settings() {
	env -u SIGN_KEY -u MAX_EXPIRE -u PIN_SIZE -u PIN_ATTEMPTS \
	    "$builddir/src/oncelinkctl" -c /dev/null config | awk '
	/^# from:/ { next }
	/^# / { allowed = $0; sub(/^.*: /, "", allowed); next }
	/ = / {
		split($0, part, " = ")
		value = $0
		sub(/^[^=]*= ?/, "", value)
		print part[1] "|" allowed "|" value
	}'
}

check_settings() {
	settings >"$scratch/settings"
	[ -s "$scratch/settings" ] || echo "oncelinkctl prints no settings"
	cut -d '|' -f 1 "$scratch/settings" >"$scratch/expected"
	sed -n 's/^\.It Ic \([a-z0-9_]*\) No = Ar .*/\1/p' \
	    "$pages/oncelink.conf.5" >"$scratch/found"
	sort "$scratch/expected" >"$scratch/a"
	sort "$scratch/found" >"$scratch/b"
	differ setting "$scratch/a" "$scratch/b"
	while IFS='|' read -r name allowed value; do
		text=$(body oncelink.conf.5 Ic "$name" | tr A-Z a-z)
		# Examples may be left out; words are named one by one.
		allowed=$(printf '%s' "$allowed" | sed 's/, such as .*//
		    s/, from \/ or .*//' | tr A-Z a-z)
		case $allowed in
		'one of '* | 'one or more of '*)
			words=${allowed#* of }
			allowed=${allowed%% of *}' of'
			for word in $(printf '%s' "$words" | tr -d ,); do
				case $text in
				*" $word"[,.\ ]*) ;;
				*)
					echo "$name: may be $word"
					;;
				esac
			done
			;;
		a\ path)
			allowed=" "
			;;
		esac
		case $text in
		*"$allowed"*) ;;
		*)
			echo "$name: is $allowed"
			;;
		esac
		value=$(printf '%s' "${value:-nothing}" | tr A-Z a-z)
		case $text in
		*" the default is $value. "*) ;;
		*)
			echo "$name: the default is $value"
			;;
		esac
	done <"$scratch/settings"
}

# The faces in app.c's order, the calls in each one's, `:` for a variable.
check_calls() {
	sed -n 's/^	&\(api_[a-z]*\)_face,*$/\1/p' "$srcdir/src/web/app.c" |
	    while read -r face; do
		sed -n 's/^	{ HTTP_\([A-Z]*\), "\([^"]*\)",.*/\1 \2/p' \
		    "$srcdir/src/web/$face.c"
	done >"$scratch/expected"
	[ -s "$scratch/expected" ] || echo "the sources have no routes"
	sed -n 's/^\.It \([A-Z]* \/.*\)/\1/p' "$pages/oncelink.fcgi.8" |
	    sed 's|/[A-Z][A-Z]*|/:|g' >"$scratch/found"
	differ call "$scratch/expected" "$scratch/found"
}

check_events() {
	sed -n 's/.*\] = { "\([a-z-]*\)", LOG_LEVEL_\([A-Z]*\) },$/\1 \2/p' \
	    "$srcdir/src/base/log.c" | tr A-Z a-z >"$scratch/expected"
	[ -s "$scratch/expected" ] || echo "the sources have no events"
	sed -n 's/^\.It Cm \([a-z-]*\) Pq \([a-z]*\)$/\1 \2/p' \
	    "$pages/oncelink.fcgi.8" >"$scratch/found"
	differ event "$scratch/expected" "$scratch/found"
}

# options PROGRAM ARGUMENT...: those that its --help names.
options() {
	"$builddir/src/$1" --help | tr -s ' ,|[]\t' '\n' |
	    sed -n '/^--*[a-z]/p' | sort -u
}

check_options() {
	for program in oncelink.fcgi oncelink-sweep; do
		options "$program" >"$scratch/expected"
		sed -n 's/^\.It Fl \([a-z-]*\).*/-\1/p' "$pages/$program.8" |
		    sort -u >"$scratch/found"
		differ "$program" "$scratch/expected" "$scratch/found"
	done
}

# oncelinkctl's commands in its own order, each before its options.
check_commands() {
	ctl=$builddir/src/oncelinkctl
	"$ctl" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)   *.*/\1/p' |
	    while read -r command; do
		echo "$command"
		# shellcheck disable=SC2086	# one word or two
		"$ctl" $command --help | sed -n '1,/^$/p' | tr -s ' []' '\n' |
		    sed -n 's/^--/option --/p'
	done >"$scratch/expected"
	[ -s "$scratch/expected" ] || echo "oncelinkctl has no commands"
	sed -n '/^\.Sh COMMANDS/,/^\.Sh ENVIRONMENT/ {
	    s/^\.It Cm \([a-z -]*[a-z]\).*/\1/p
	    s/^\.It Fl -\([a-z-]*\).*/option --\1/p
	    }' "$pages/oncelinkctl.8" >"$scratch/found"
	differ oncelinkctl "$scratch/expected" "$scratch/found"
}

# variables PAGE: what stands in its lists of variables.
variables() {
	sed -n 's/^\.It Ev //p' "$pages/$1" | tr -d ' ' | tr , '\n' | sort -u
}

check_variables() {
	{
		sed -n 's/.*, "\([A-Z_]*\)" },$/\1/p' \
		    "$srcdir/src/base/conf_row.c"
		sed -n 's/.*getenv("\([A-Z_]*\)").*/\1/p' \
		    "$srcdir/src/base/conf.c"
	} | sort -u >"$scratch/settings"
	[ -s "$scratch/settings" ] || echo "the sources have no variables"
	{
		cat "$scratch/settings"
		echo TZ
		sed -n 's/.*getenv("\([A-Z_]*\)").*/\1/p' \
		    "$srcdir/src/prog/worker.c"
		grep -o '"[A-Z_][A-Z_]*"' "$srcdir/src/web/cgi.c" | tr -d '"'
	} | sort -u >"$scratch/expected"
	variables oncelink.fcgi.8 >"$scratch/found"
	differ oncelink.fcgi "$scratch/expected" "$scratch/found"
	variables oncelink-sweep.8 >"$scratch/found"
	differ oncelink-sweep "$scratch/settings" "$scratch/found"
	variables oncelinkctl.8 >"$scratch/found"
	differ oncelinkctl "$scratch/settings" "$scratch/found"
	variables oncelink.conf.5 >"$scratch/found"
	differ oncelink.conf "$scratch/settings" "$scratch/found"
}

# statuses PAGE SOURCE...: what a program may exit with, but for EX_OK.
statuses() {
	page=$1
	shift
	grep -how 'EX_[A-Z]*' "$@" | grep -v '^EX_OK$' | sort -u \
	    >"$scratch/expected"
	[ -s "$scratch/expected" ] || echo "$page: the sources have none"
	sed -n 's/^\.It Dv \(EX_[A-Z]*\)$/\1/p' "$pages/$page" | sort \
	    >"$scratch/found"
	differ "$page" "$scratch/expected" "$scratch/found"
}

check_statuses() {
	statuses oncelink.fcgi.8 "$srcdir/src/prog/worker.c"
	statuses oncelink-sweep.8 "$srcdir/src/prog/sweep.c"
	statuses oncelinkctl.8 "$srcdir"/src/prog/ctl*.c
}

# Pages refer to pages: to ours that there are, under their section.
check_references() {
	for page in "$pages"/*.[1-8]; do
		sed -n 's/^\.Xr \(oncelink[a-z.-]*\) \([0-9]\).*/\1.\2/p' \
		    "$page" | sort -u | while read -r other; do
			[ -f "$pages/$other" ] ||
				echo "${page##*/}: there is no $other"
		done
	done
}

check_lint() {
	for page in "$pages"/*.[1-8]; do
		[ -f "$page" ] || echo "there are no pages"
		mandoc -T lint -W warning "$page"
	done
}

. "$srcdir/tests/tap.sh"

# sees NAME PAGE SCRIPT TEXT: PAGE as sed's SCRIPT spoils it is found out.
sees() {
	rm -rf "$scratch/spoilt"
	cp -R "$builddir/ready/man" "$scratch/spoilt"
	sed "$3" "$builddir/ready/man/$2" >"$scratch/spoilt/$2"
	pages=$scratch/spoilt
	said=$("check_$1" 2>&1)
	pages=$builddir/ready/man
	case $said in
	*"$4"*)
		report "$1 sees $4" ''
		;;
	*)
		report "$1 sees $4" "$2, $3, said: ${said:-nothing}"
		;;
	esac
}

for check in settings calls events options commands variables statuses \
    references lint; do
	holds "$check"
done

conf=oncelink.conf.5
worker=oncelink.fcgi.8
sweep=oncelink-sweep.8
sees settings $conf 's/^\.It Ic threads /.It Ic thread /' \
    'not on the page: threads'
sees settings $conf 's/^\.It Ic threads /.It Ic thread /' \
    'only on the page: thread'
sees settings $conf 's/from 1 to 64\./from 1 to 65./' \
    'threads: is a whole number from 1 to 64'
sees settings $conf 's/default is 19M/default is 20M/' \
    'kdf_memory: the default is 19m'
sees settings $conf 's/^\.Cm nobody/.Cm noone/' 'create: may be nobody'
sees calls $worker 's/^\(\.It GET .*\)params/\1parameters/' \
    'not on the page: GET /api/v1/params'
sees calls $worker '/^\.It GET \/ping/d' 'not on the page: GET /ping'
sees calls $worker 's/^\.It POST \/secrets$/.It PUT \/secrets/' \
    'only on the page: PUT /secrets'
sees events $worker 's/store-busy Pq warning/store-busy Pq error/' \
    'not on the page: store-busy warning'
sees options $worker '/^\.It Fl -listen/d' 'not on the page: --listen'
sees options $sweep 's/^\.It Fl v/.It Fl q/' 'only on the page: -q'
sees commands oncelinkctl.8 's/^\.It Cm stats/.It Cm state/' \
    'only on the page: state'
sees commands oncelinkctl.8 's/^\.It Cm key revoke/.It Cm key/' \
    'not on the page: key revoke'
sees commands oncelinkctl.8 '/^\.It Fl -ca-file/d' \
    'not on the page: option --ca-file'
sees variables $worker 's/ , QUERY_STRING//' 'not on the page: QUERY_STRING'
sees variables $sweep 's/SIGN_KEY , //' 'not on the page: SIGN_KEY'
sees statuses $sweep '/^\.It Dv EX_IOERR/d' 'not on the page: EX_IOERR'
sees references $conf 's/^\.Xr oncelink-sweep 8/.Xr oncelink-sweep 1/' \
    'there is no oncelink-sweep.1'
sees lint $conf 's/^\.El$/.Ex/' 'oncelink.conf.5'

echo "1..$count"
