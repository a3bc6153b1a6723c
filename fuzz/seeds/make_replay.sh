#!/bin/sh
# Writes the seeds of fuzz_replay beside itself: the fixtures of tests/replay, unpacked.
set -eu
cd "$(dirname "$0")"
mkdir -p replay
for data in ../../tests/replay/*.data.gz; do
	name=$(basename "$data" .data.gz)
	gzip -dc "$data" >"replay/$name"
	[ "$(wc -c <"replay/$name")" -le 20000 ] || rm "replay/$name"
done
ls replay | wc -l
