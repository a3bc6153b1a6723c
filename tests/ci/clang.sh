# clang has no warning either, in the programs, tests, fuzz targets and benches.
. "$(dirname "$0")/lib.sh"
fresh clang --enable-werror CC=clang CFLAGS='-O2 -g'
builds 'clang -O2 -Werror'
builds 'clang -O2 -Werror: tests and fuzz targets' check TESTS=
builds 'clang -O2 -Werror: benches' benches
