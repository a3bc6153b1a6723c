# What can be left out can be; what cannot is missed by its package's name.
. "$(dirname "$0")/lib.sh"

without='--disable-bpf --disable-demangle --disable-zstd --disable-lzma --disable-debuginfod'
for option in $without; do
	fresh "options$option" $option CFLAGS=-O0
	builds "$option"
done
fresh options $without CFLAGS=-O0
builds "$without"
# A test of what has been left out is skipped by right, and none of this machine's lacks.
checks check TESTS='$(unit_tests) tests/replay.test' >check.log || grep -q '^FAIL: ' check.log || echo "FAIL: tests with $without"
grep -v '^SKIP: .* built without ' check.log

misses() { # PKG-CONFIG'S-NAME DEBIAN'S-NAME
	rm -rf pc
	mkdir pc
	for folder in $(pkg-config --variable pc_path pkg-config | tr : ' '); do
		[ ! -d "$folder" ] || ln -sf "$folder"/*.pc pc
	done
	rm -f "pc/$1.pc"
	PKG_CONFIG_LIBDIR=$PWD/pc "$top/configure" -q >out 2>&1
	[ $? = 1 ] && grep -q "error: $1.*Debian: $2" out
	status=$?
	[ $status = 0 ] || sed 's/^/| /' out
	result $status "configure without $1 asks for $2"
}
misses libbpf libbpf-dev
misses libelf libelf-dev
misses zlib zlib1g-dev
misses inih libinih-dev
misses libcap libcap-dev
