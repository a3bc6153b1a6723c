# clang has no warning either, in the programs, tests, fuzz targets and benches.
. "$(dirname "$0")/lib.sh"
fresh clang CC=clang CFLAGS='-O2 -g'
builds 'clang -O2 -Werror' CFLAGS='-O2 -g -Werror'
builds 'clang -O2 -Werror: tests and fuzz targets' check TESTS= CFLAGS='-O2 -g -Werror'
builds 'clang -O2 -Werror: benches' benches CFLAGS='-O2 -g -Werror'
