#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Brings the code of others that the pages have, from npm: what package.json
# beside this names, in the bytes that package-lock.json says, with its
# version and its licence on top.
#
#	tests/npm/vendor.sh [DIRECTORY]
#
# writes to htdocs/js/vendor/, or to DIRECTORY.  ONCELINK_NODE_MODULES says
# where the packages are already, as for the tests.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$here/../../htdocs/js/vendor}
modules=${ONCELINK_NODE_MODULES:-}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/oncelink-vendor.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

if [ -z "$modules" ]; then
	cp "$here/package.json" "$here/package-lock.json" "$scratch/"
	(cd "$scratch" && npm ci --ignore-scripts --no-audit --no-fund \
	    --loglevel=error >/dev/null)
	modules=$scratch/node_modules
fi

# bring PACKAGE FILE NAME
bring() {
	version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' \
	    "$modules/$1/package.json")
	[ -n "$version" ]
	{
		echo "/*! $1 $version (npm), $2, unchanged. Licence: MIT."
		echo " *"
		sed -e 's/^/ * /' -e 's/ *$//' "$modules/$1/LICENSE"
		echo " */"
		cat "$modules/$1/$2"
	} >"$scratch/made"
	mkdir -p "$target"
	cat "$scratch/made" >"$target/$3"
}

# QR codes, drawn when somebody asks for one.
bring lean-qr index.mjs lean-qr.js
