#!/bin/sh
# Runs a test program. cmocka writes a skipped test as "not ok N # SKIP NAME", which counts as failed; the reason is
# in the "# skipped: " line before it.
exec 4>&1
status=$({ { "$@"; echo $? >&3; } | awk '
	/^# skipped: / { reason = substr($0, 12); next }
	/^not ok [0-9]+ # SKIP/ { print "ok " $3 " - " $6 " # SKIP " reason; fflush(); next }
	{ print; fflush() }
' >&4; } 3>&1)
exit "$status"
