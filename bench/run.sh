#!/bin/sh
# Runs benchmarks in turn, those given: what `make bench` calls. Short forms unless BENCH=full.
status=0
for what; do
	echo "== $what"
	case $what in
	*.sh) sh "${top_srcdir:-.}/$what" ;;
	*) "./$what" ;;
	esac || status=1
done
exit $status
