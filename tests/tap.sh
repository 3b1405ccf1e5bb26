# shellcheck shell=sh
# SPDX-License-Identifier: ISC
#
# TAP as the scripts beside this one write it: they source it, and print
# "1..$count" when they are done.

count=0

# report NAME FAULT: a test, which is good when there is no fault.
report() {
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# holds NAME: what check_NAME prints is what it found wrong.
holds() {
	report "$1" "$("check_$1" 2>&1)"
}
