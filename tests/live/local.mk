# Tests that need the kernel's leave; each says why when it does not have it.
live_tests =
live_tests += %reldir%/daemon.test
live_tests += %reldir%/record.test
live_tests += %reldir%/service.test
live_tests += %reldir%/unwind.test
live_tests += %reldir%/walker.test
TESTS += $(live_tests)
# By hand for now (tests/live/targets.test): it wants a machine on which nobody else runs it, and its control group's last
# test is not stable.
EXTRA_DIST += $(live_tests) %reldir%/targets.test %reldir%/busy.c %reldir%/box %reldir%/lib.sh
