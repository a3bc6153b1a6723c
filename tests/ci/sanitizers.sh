# The tests once more, with every access, every leak and every undefined operation checked.
. "$(dirname "$0")/lib.sh"
fresh sanitizers --enable-sanitizers CC=clang CFLAGS='-O1 -g'
builds 'clang -fsanitize=address,undefined' CFLAGS='-O1 -g -Werror'
checks
