# SPDX-License-Identifier: ISC
#
# Writes SQL files as C: migrate_sql[], one string a file, in their order.
# Characters are taken one by one because what gsub makes of backslashes is not
# the same in every awk; `?` is escaped because of C's trigraphs.

function quote(line,    out, c, i)
{
	out = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (c == "\\" || c == "\"" || c == "?")
			out = out "\\"
		if (c == "\t")
			c = "\\t"
		out = out c
	}
	return out
}

BEGIN {
	print "/* Generated from sql/ by sql/embed.awk: change those. */"
	print "#include <stddef.h>"
	print ""
	print "#include \"store/migrate.h\""
	print ""
	print "#pragma GCC diagnostic ignored \"-Woverlength-strings\""
	print ""
	print "const char *const migrate_sql[] = {"
}

FNR == 1 && NR > 1 {
	print "\t,"
}

{
	print "\t\"" quote($0) "\\n\""
}

END {
	if (NR == 0)
		exit 1
	print "\t, NULL"
	print "};"
}
