#!/bin/sh
# SPDX-License-Identifier: ISC
#
# json-c and libfcgi as Debian's sources have them, built anew with what clang
# counts and checks: an entry for fuzzing then sees which ways an input takes
# inside of json-c too, and a worker sees where libfcgi leaves its memory.
#
#	libraries.sh DIRECTORY
#
# makes DIRECTORY/libjson-c.a and DIRECTORY/libfcgi.a of the very versions that
# are installed, unless they are there.  The sources come by apt-get from where
# this machine has its packages, held against Debian's signature as those are;
# lists and downloads stay in DIRECTORY, nothing of the machine is changed.
# Debian: apt-get install clang libclang-rt-14-dev llvm cmake dpkg-dev

set -eu

# A library that does what C leaves undefined ends the program, as our own code
# does: neither of the two does so by habit.
flags='-O2 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link
    -fsanitize=address,undefined -fno-sanitize-recover=all'
flags=$(echo $flags)
packages='libjson-c-dev libfcgi-dev'

die() {
	echo "libraries.sh: $*" >&2
	exit 1
}

# SOURCE=VERSION of what is installed.
wanted() {
	for package in $packages; do
		dpkg-query -W -f '${source:Package}=${source:Version}\n' \
		    "$package" || die "$package is not installed"
	done
}

# apt-get with lists and sources of its own.
private_apt() {
	apt-get -q -o Dir::Etc::SourceList="$private/sources.list" \
	    -o Dir::Etc::SourceParts="$private/parts" \
	    -o Dir::State::Lists="$private/lists" \
	    -o Dir::Cache="$private/cache" "$@"
}

# Where packages come from, sources do too; both forms of sources.list(5).
ask_for_sources() {
	eval "$(apt-config shell list Dir::Etc::SourceList/f \
	    parts Dir::Etc::SourceParts/d)"
	mkdir -p "$private/parts" "$private/lists/partial" \
	    "$private/cache/archives/partial"
	for file in "$list" "$parts"/*.list "$parts"/*.sources; do
		[ -f "$file" ] || continue
		sed -e 's/^Types:.*/Types: deb-src/' -e '/^deb-src /d' \
		    -e 's/^deb /deb-src /' "$file" \
		    >"$private/parts/${file##*/}"
	done
	: >"$private/sources.list"
	private_apt update || true
}

get_sources() {
	for program in clang llvm-symbolizer cmake dpkg-source apt-get; do
		command -v "$program" >/dev/null || die "$program is missing"
	done
	private=$(mktemp -d "$directory/apt.XXXXXX")
	trap 'rm -rf "$private"' EXIT
	ask_for_sources
	rm -rf "$directory/sources"
	mkdir "$directory/sources"
	cd "$directory/sources"
	private_apt source --only-source $sources
}

build_json_c() {
	rm -rf "$directory/json-c"
	cmake -S "$directory"/sources/json-c-*/ -B "$directory/json-c" \
	    -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS="$flags" \
	    -DCMAKE_BUILD_TYPE=None -DBUILD_SHARED_LIBS=OFF \
	    -DBUILD_TESTING=OFF -DBUILD_APPS=OFF -DDISABLE_WERROR=ON
	cmake --build "$directory/json-c" --target json-c
	cp "$directory/json-c/libjson-c.a" "$directory"
}

# Its own configure wants more tools than three files do; what that found out
# when Debian built it is in a header of its package.
build_libfcgi() {
	cd "$directory"/sources/libfcgi-*/libfcgi
	for file in fcgiapp fcgi_stdio os_unix; do
		clang $flags -w -I../include -c "$file.c"
	done
	rm -f "$directory/libfcgi.a"
	ar cr "$directory/libfcgi.a" fcgiapp.o fcgi_stdio.o os_unix.o
}

# Is all of it in?
check() {
	for library in json-c fcgi; do
		for symbol in __sanitizer_cov_8bit_counters_init \
		    __asan_report_load4 __ubsan_handle_add_overflow_abort; do
			nm "$directory/lib$library.a" | grep -q " U $symbol" ||
				die "lib$library.a: $symbol is not called"
		done
	done
}

[ $# -eq 1 ] || die "usage: libraries.sh DIRECTORY"
mkdir -p "$1"
directory=$(cd "$1" && pwd)
sources=$(wanted)
made="$(echo $sources) $flags"
[ "$(cat "$directory/made" 2>/dev/null)" != "$made" ] || exit 0
rm -f "$directory/made"
set +e
(
	set -e
	get_sources
	build_json_c
	build_libfcgi
	check
) >"$directory/log" 2>&1
status=$?
set -e
if [ "$status" -ne 0 ]; then
	tail -n 30 "$directory/log" >&2
	die "could not make them; all of it is in $directory/log"
fi
echo "$made" >"$directory/made"
