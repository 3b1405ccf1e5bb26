#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Installs into an empty directory under the places that a package would use,
# and looks at what is there: every file, no word left in any, every path in
# one leads somewhere, modes; that settings are never overwritten and uninstall
# leaves nothing; and that the tarball has every file.

set -u
umask 022
LC_ALL=C
export LC_ALL
srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=$(cd "${builddir:-.}" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

# The templates are filled anew beside the build tree, since its own are for
# its own places.
run_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u DESTDIR make -s \
	    -C "$builddir" "$@" >"$scratch/make.log" 2>&1 ||
		sed 's/^/make: /' "$scratch/make.log"
}
places() {
	run_make "$@" DESTDIR="$root" ready="$scratch/ready" prefix=/usr \
	    exec_prefix=/usr sysconfdir=/etc localstatedir=/var runstatedir=/run
}

# sources DIRECTORY: the files that people wrote below it.
sources() {
	(cd "$srcdir" && find "$1" -type f | sort)
}

# expect MODE PATH...: one of the paths is there, with this mode.
expect() {
	mode=$1
	wanted=$2
	shift
	for path; do
		[ -f "$root$path" ] || continue
		found=$(stat -c %a "$root$path")
		[ "$found" = "$mode" ] ||
			echo "$path: has mode $found, not $mode"
		return
	done
	echo "$wanted: is not installed"
}

check_programs() {
	expect 755 /usr/libexec/oncelink/oncelink.fcgi
	expect 755 /usr/sbin/oncelink-sweep
	expect 755 /usr/sbin/oncelinkctl
}

check_pages() {
	sources htdocs | while read -r file; do
		expect 644 "/usr/share/oncelink/$file"
	done
	sources man | while read -r file; do
		name=${file##*/}
		expect 644 "/usr/share/man/man${name##*.}/$name"
	done
	for name in README.md DESIGN.md SECURITY.md LICENSE; do
		expect 644 "/usr/share/doc/oncelink/$name"
	done
}

check_settings() {
	expect 644 /etc/oncelink/oncelink.conf
	{
		sources conf
		sources cgi-bin
	} | while read -r file; do
		name=${file#conf/}
		mode=644
		case $name in
		oncelink.conf)
			continue
			;;
		sysvinit/* | *.cgi)
			mode=755
			;;
		esac
		expect $mode "/usr/share/oncelink/$name" \
		    "/usr/share/doc/oncelink/examples/$name" \
		    "/usr/lib/systemd/system/${name#systemd/}" \
		    "/usr/lib/tmpfiles.d/${name#tmpfiles/}"
	done
	# What another configuration includes is there for both places.
	for name in nginx/locations lighttpd/common apache/common; do
		expect 644 "/usr/share/oncelink/$name-once.conf"
	done
}

# The text files that were installed.
texts() {
	find "$root" -type f ! -path "*/libexec/*" ! -path "*/sbin/*" | sort
}

check_words() {
	texts | xargs grep -n '@[A-Z_][A-Z_]*@' | sed "s|^$root||" |
	    grep -v '^/usr/share/doc/oncelink/[A-Z]*\.md:'
}

# What the installed files name of our own is installed, or is known to be
# made later: by the operator, by init or by systemd.
check_paths() {
	texts | grep -v '\.md$' | xargs grep -ohE \
	    '/(usr|etc|run|var)(/[A-Za-z0-9_.+-]+)+' |
	    sed 's/[.]*$//' | sort -u | while read -r path; do
		case $path in
		/etc/oncelink/keys | /etc/oncelink/keys/server.key | \
		    /etc/oncelink/nginx-limits.conf | \
		    /etc/oncelink/lighttpd-limits.conf | \
		    /etc/oncelink/apache-limits.conf | \
		    /var/lib/oncelink | /var/lib/oncelink/oncelink.db | \
	    /var/lib/oncelink/keys | \
		    /run/oncelink | /run/oncelink/* | /run/oncelink-web | \
		    /run/oncelink-web/* | /run/oncelink-memory | \
		    /run/oncelink-memory/*)
			continue
			;;
		/usr/local/* | /usr/var/* | /usr/etc/*)
			echo "$path: is not where this was installed"
			;;
		/usr/*oncelink* | /etc/oncelink* | /run/oncelink* | \
		    /var/lib/oncelink*)
			[ -e "$root$path" ] || echo "$path: leads nowhere"
			;;
		esac
	done
}

check_modes() {
	find "$root" -mindepth 1 \( -perm /022 -o -perm /7000 -o \
	    -type d ! -perm 755 -o -type l \) -printf '/%P: has mode %m\n'
}

# A key or a database is made by oncelinkctl, for its user, or not at all.
check_state() {
	(cd "$root" && find var run etc 2>/dev/null) |
	    grep -vxE 'etc(/oncelink(/oncelink\.conf)?)?'
}

# Settings that somebody changed are never touched again.
check_changed() {
	conf=$root/etc/oncelink/oncelink.conf
	looks=$root/usr/share/oncelink/htdocs/site.json
	echo 'threads = 3' >>"$conf"
	echo '{ "name": "Ours" }' >"$looks"
	cp "$conf" "$scratch/changed"
	cp "$looks" "$scratch/looks"
	places install
	cmp "$conf" "$scratch/changed"
	cmp "$looks" "$scratch/looks"
	places uninstall
	cmp "$conf" "$scratch/changed"
	cmp "$looks" "$scratch/looks"
	(cd "$root" && find . -type f ! -path ./etc/oncelink/oncelink.conf \
	    ! -path ./usr/share/oncelink/htdocs/site.json)
	rm -f "$conf" "$looks"
}

check_uninstall() {
	places install
	places uninstall
	find "$root" \( ! -type d -o -name '*oncelink*' \) \
	    -printf '/%P: is left\n'
}

# Without git there is DESIGN.md's list, which tests/house.sh holds against
# the tree.
check_tarball() {
	run_make dist-xz distdir="$scratch/oncelink"
	tar -tf "$scratch/oncelink.tar.xz" | sed 's|^.*oncelink/||' |
	    sort >"$scratch/packed"
	{
		git -C "$srcdir" ls-files 2>/dev/null | grep -v '^\.gitignore$'
		sed -n '/^## Files/,$ s/^    \([a-z-]*\/[^ ]*\) .*/\1/p' \
		    "$srcdir/DESIGN.md" | sed 's/\(.*\)\[ch\]$/\1c\n\1h/'
	} | sort -u >"$scratch/written"
	[ -s "$scratch/written" ] || echo "there are no files"
	comm -13 "$scratch/packed" "$scratch/written" |
	    sed 's/$/: is not in the tarball/'
}

. "$srcdir/tests/tap.sh"

# sees NAME COMMAND TEXT: an installation that COMMAND spoilt is found out.
sees() {
	rm -rf "$scratch/whole"
	mv "$root" "$scratch/whole"
	cp -Rp "$scratch/whole" "$root"
	(cd "$root" && eval "$2")
	said=$("check_$1" 2>&1)
	rm -rf "$root"
	mv "$scratch/whole" "$root"
	case $said in
	*"$3"*)
		report "$1 sees $3" ''
		;;
	*)
		report "$1 sees $3" "$2, said: ${said:-nothing}"
		;;
	esac
}

report install "$(places install)"
for check in programs pages settings words paths modes state; do
	holds "$check"
done

sees programs 'chmod 644 usr/sbin/oncelinkctl' 'has mode 644, not 755'
sees programs 'rm usr/libexec/oncelink/oncelink.fcgi' \
    'oncelink.fcgi: is not installed'
sees pages 'rm usr/share/man/man5/oncelink.conf.5' \
    'oncelink.conf.5: is not installed'
sees settings 'rm etc/oncelink/oncelink.conf' 'oncelink.conf: is not installed'
sees words 'echo "@NOBODY@" >usr/share/oncelink/htdocs/index.html' '@NOBODY@'
sees paths 'echo "include /usr/share/oncelink/x.conf" >etc/oncelink/x' \
    '/usr/share/oncelink/x.conf: leads nowhere'
sees paths 'echo /usr/local/libexec/x >etc/oncelink/x' \
    'is not where this was installed'
sees modes 'chmod 666 etc/oncelink/oncelink.conf' 'has mode 666'
sees modes 'chmod 4755 usr/sbin/oncelinkctl' 'has mode 4755'
sees state 'mkdir -p var/lib/oncelink' 'var/lib/oncelink'

for check in changed uninstall tarball; do
	holds "$check"
done

echo "1..$count"
