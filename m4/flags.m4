dnl SPDX-License-Identifier: ISC
dnl
dnl Flags that are used when the compiler takes them without a word.  -Werror
dnl is on during a probe only: it would break the checks of others.

dnl ONCELINK_PROBE(VARIABLE, FLAGS, USER-VARIABLE, CHECK): add FLAGS to
dnl VARIABLE when CHECK succeeds with them in front of USER-VARIABLE.
AC_DEFUN([ONCELINK_PROBE], [
	AC_MSG_CHECKING([whether $CC takes $2])
	oncelink_save_cflags=$CFLAGS
	oncelink_save_flags=$$3
	CFLAGS="-Werror $CFLAGS"
	$3="$2 $$3"
	$4([AC_LANG_PROGRAM([[#include <string.h>]],
	    [[char a[8]; memset(a, 1, sizeof a); return a[3] != 1;]])],
	    [oncelink_takes=yes], [oncelink_takes=no])
	$3=$oncelink_save_flags
	CFLAGS=$oncelink_save_cflags
	AC_MSG_RESULT([$oncelink_takes])
	AS_IF([test "$oncelink_takes" = yes],
	    [$1="${$1:+$$1 }$2"])
])

AC_DEFUN([ONCELINK_CPPFLAGS],
    [ONCELINK_PROBE([$1], [$2], [CPPFLAGS], [AC_COMPILE_IFELSE])])
AC_DEFUN([ONCELINK_CFLAGS],
    [ONCELINK_PROBE([$1], [$2], [CFLAGS], [AC_COMPILE_IFELSE])])
AC_DEFUN([ONCELINK_LDFLAGS],
    [ONCELINK_PROBE([$1], [$2], [LDFLAGS], [AC_LINK_IFELSE])])

dnl ONCELINK_WARNINGS(VARIABLE, FLAGS): each one of FLAGS that is known.
AC_DEFUN([ONCELINK_WARNINGS],
    [m4_foreach_w([oncelink_flag], [$2],
	[ONCELINK_CFLAGS([$1], oncelink_flag)])])

dnl ONCELINK_SANITIZERS(VARIABLE, LIST): the flags of these sanitizers, or an
dnl error; somebody asked for them.
AC_DEFUN([ONCELINK_SANITIZERS], [
	$1="-fsanitize=$2 -fno-sanitize-recover=all -fno-omit-frame-pointer"
	AC_MSG_CHECKING([whether $CC takes $$1])
	oncelink_save_cflags=$CFLAGS
	CFLAGS="$CFLAGS $$1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
	    [AC_MSG_RESULT([yes])],
	    [AC_MSG_RESULT([no])
	     AC_MSG_ERROR([$CC cannot build with sanitizers $2])])
	CFLAGS=$oncelink_save_cflags
])
