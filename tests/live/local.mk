# Tests that need the kernel's leave; each says why when it does not have it.
live_tests =
live_tests += %reldir%/daemon.test
live_tests += %reldir%/record.test
live_tests += %reldir%/service.test
live_tests += %reldir%/unwind.test
live_tests += %reldir%/walker.test
live_tests += %reldir%/churn.test
live_tests += %reldir%/targets.test
live_tests += %reldir%/births.test
live_tests += %reldir%/methods.test
live_tests += %reldir%/split.test
live_tests += %reldir%/lines.test
live_tests += %reldir%/debug.test
live_tests += %reldir%/jit.test
live_tests += %reldir%/java.test
live_tests += %reldir%/debuginfod.test
TESTS += $(live_tests)
EXTRA_DIST += $(live_tests) %reldir%/busy.c %reldir%/zoo.c %reldir%/box %reldir%/lib.sh %reldir%/targets.sh
# All but those, each as often as one likes.
.PHONY: check-still
check-still:
	$(MAKE) $(AM_MAKEFLAGS) check \
		TESTS="`for t in $(TESTS); do case $$t in */live/*) ;; *) printf '%s ' $$t ;; esac; done`"
