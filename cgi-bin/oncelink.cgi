#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Starts a worker on shared hosting, where nobody but the hoster configures the
# web server: as a CGI program for each request or, named oncelink.fcgi where
# mod_fcgid takes that suffix, for many.  It lies where programs may be run,
# beside htaccess (see there).  `make install` put in the two places below;
# neither they nor database and key are below the document root.

conf='@ETC@/oncelink.conf'
worker='@WORKER@'

# The error log is told what is wrong, a client that something is.  The body is
# taken first: under mod_cgid, the answer would be lost with it.
fail() {
	printf 'oncelink.cgi: %s\n' "$1" >&2
	if [ -n "${REQUEST_METHOD-}" ]; then
		case ${CONTENT_LENGTH-} in
		'' | *[!0-9]*)
			;;
		*)
			head -c "$CONTENT_LENGTH" >/dev/null 2>&1
			;;
		esac
		printf '%s\r\n' 'Status: 500 Internal Server Error' \
		    'Content-Type: text/plain' 'Cache-Control: no-store' \
		    'X-Content-Type-Options: nosniff' \
		    'Referrer-Policy: no-referrer' '' 'The server failed.'
	fi
	exit 78
}

umask 077
[ -f "$conf" ] && [ -r "$conf" ] ||
	fail "$conf: the settings are not there or cannot be read"
[ -f "$worker" ] && [ -x "$worker" ] ||
	fail "$worker: the worker is not there or cannot be run"

# mod_rewrite hands it on under another name.
if [ -z "${HTTP_AUTHORIZATION-}" ] &&
    [ -n "${REDIRECT_HTTP_AUTHORIZATION-}" ]; then
	HTTP_AUTHORIZATION=$REDIRECT_HTTP_AUTHORIZATION
	export HTTP_AUTHORIZATION
fi

ONCELINK_CONF=$conf
export ONCELINK_CONF

# Without "$@", in which there may be words of a query.
exec "$worker"
