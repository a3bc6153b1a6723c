# The tests once more, with every access, every leak and every undefined operation checked.
. "$(dirname "$0")/lib.sh"
fresh sanitizers --enable-sanitizers --enable-werror CC=clang CFLAGS='-O1 -g'
builds 'clang -fsanitize=address,undefined'
checks check-still
