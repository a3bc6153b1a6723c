# As it is released, by gcc without a warning: everything there is to test.
. "$(dirname "$0")/lib.sh"
fresh gcc CC=gcc CFLAGS='-O2 -g'
builds 'gcc -O2 -Werror' CFLAGS='-O2 -g -Werror'
checks CFLAGS='-O2 -g -Werror'
