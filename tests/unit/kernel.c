/* daemon/kernel: what is read of the running kernel's own texts; daemon/notify: the datagram. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/kernel.h"
#include "daemon/notify.h"

static void text_is_found_behind_the_percpu_symbols(void **state)
{
	static const char text[] = "0000000000000000 A fixed_percpu_data\n"
				   "ffffffff93000000 T startup_64\n"
				   "ffffffff93000000 T _text\n"
				   "ffffffff93000001 T _text_not\n";

	assert_true(kernel_parse_text(text, sizeof(text) - 1) == 0xffffffff93000000);
	assert_true(kernel_parse_text(text, 40) == 0);                                /* cut off before */
	assert_true(kernel_parse_text("0000000000000000 T _text\n", 25) == 0);        /* kptr_restrict */
	assert_true(kernel_parse_text("ffffffff93000000 T not_text\n", 28) == 0);
	assert_true(kernel_parse_text("x _text\n\n _text\n", 16) == 0);               /* no kallsyms at all */
}

static void build_id_is_the_gnu_note(void **state)
{
	static const char notes[] = "\4\0\0\0\4\0\0\0\6\0\0\0Xen\0abcd"
				    "\4\0\0\0\5\0\0\0\3\0\0\0GNU\0\x01\x02\x03\xfe\xff\0\0\0";
	char hex[64];

	kernel_parse_notes(notes, sizeof(notes) - 1, hex, sizeof(hex));
	assert_string_equal(hex, "010203feff");
	kernel_parse_notes(notes, sizeof(notes) - 5, hex, sizeof(hex)); /* cut in the id */
	assert_string_equal(hex, "");
	kernel_parse_notes("\xff\xff\xff\xff\xff\xff\xff\xff\3\0\0\0GNU", 15, hex, sizeof(hex));
	assert_string_equal(hex, "");
	kernel_parse_notes(notes, sizeof(notes) - 1, hex, 8); /* no room: nothing, rather than half of it */
	assert_string_equal(hex, "");
}

static void states_go_to_the_socket_that_systemd_names(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char got[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/pprofd-notify-%d", (int)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	notify_state("READY=1\nSTATUS=%s", "x");
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 16);
	assert_string_equal(got, "READY=1\nSTATUS=x");
	unlink(a.sun_path);
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_state("READY=1"); /* refused, quietly */
	unsetenv("NOTIFY_SOCKET");
	notify_state("READY=1");
	close(fd);
}

static void the_watchdog_is_ours_only(void **state)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_true(notify_watchdog_ns() == 15000000000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_true(notify_watchdog_ns() == 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_true(notify_watchdog_ns() == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_found_behind_the_percpu_symbols),
		cmocka_unit_test(build_id_is_the_gnu_note),
		cmocka_unit_test(states_go_to_the_socket_that_systemd_names),
		cmocka_unit_test(the_watchdog_is_ours_only),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
