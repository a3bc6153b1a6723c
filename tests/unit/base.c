/* base/: readers, hashes, arenas, text, gzip, channels. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/channel.h"
#include "base/child.h"
#include "base/debug_path.h"
#include "base/gzip.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/kernel_hide.h"
#include "base/reader.h"
#include "base/text.h"

static void arrays_grow_by_what_input_says_as_far_as_they_can(void **state)
{
	uint32_t *numbers = NULL, nr = 0, cap = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t *added = array_try_push(numbers, nr, cap);

		assert_non_null(added);
		*added = i;
	}
	assert_int_equal(nr, 1000);
	assert_true(cap >= nr);
	for (uint32_t i = 0; i < nr; i++)
		assert_int_equal(numbers[i], i);
	nr = cap = INT32_MAX;
	assert_null(array_try_push(numbers, nr, cap));
	assert_int_equal(nr, INT32_MAX);
	assert_int_equal(cap, INT32_MAX);
	assert_int_equal(numbers[999], 999);
	free(numbers);
}

static bool can_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		munmap(p, size);
	return p != MAP_FAILED;
}

static void a_child_gets_so_much_more_memory(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		child_limit_memory(64u << 20);
		_exit(can_map(32u << 20) && !can_map(96u << 20) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void reader_sticks_at_its_first_error(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5 };
	struct reader r = reader_of(bytes, sizeof(bytes));

	assert_int_equal(reader_u32(&r), 0x04030201);
	assert_int_equal(reader_u16(&r), 0);
	assert_true(r.failed);
	assert_int_equal(reader_u8(&r), 0); /* one byte was left, but the error stays */
	assert_null(reader_bytes(&r, 1));
	assert_int_equal(reader_left(&r), 0);
}

static void reader_refuses_sizes_past_the_end(void **state)
{
	uint8_t bytes[8] = { 0 };
	struct reader r = reader_of(bytes, sizeof(bytes)), sub;

	assert_null(reader_bytes(&r, UINT64_MAX));
	r = reader_of(bytes, sizeof(bytes));
	sub = reader_sub(&r, 9);
	assert_true(sub.failed && r.failed);
	r = reader_of("abc", 3);
	assert_null(reader_str(&r)); /* no NUL inside */
}

static void reader_reads_leb128(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 300, UINT32_MAX, INT64_MAX, UINT64_MAX };
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t size = (size_t)(varint_put(bytes, values[i]) - bytes);
		struct reader r = reader_of(bytes, size);

		assert_int_equal(size, varint_size(values[i]));
		assert_int_equal(reader_uleb(&r), values[i]);
		assert_false(r.failed);
		r = reader_of(bytes, size - 1);
		assert_int_equal(reader_uleb(&r), 0);
		assert_true(r.failed);
	}
	struct reader r = reader_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10); /* 65 bits */
	reader_uleb(&r);
	assert_true(r.failed);
	r = reader_of("\x80\x7f\x7f\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 14);
	assert_int_equal(reader_sleb(&r), -128);
	assert_int_equal(reader_sleb(&r), -1);
	reader_sleb(&r);
	assert_true(r.failed);
}

static void hash_finds_what_was_added_and_not_what_was_removed(void **state)
{
	struct hash_slot *slots;
	struct hash h = { 0 };
	uint32_t pos, i, found;

	for (i = 0; i < 20000; i++)
		hash_add(&h, hash_u64(i / 2), i); /* two elements of each hash */
	for (i = 0; i < 20000; i += 3)
		assert_true(hash_del(&h, hash_u64(i / 2), i));
	assert_false(hash_del(&h, hash_u64(0), 0));
	for (uint32_t want = 0; want < 20000; want++) {
		found = 0;
		for (i = hash_first(&h, hash_u64(want / 2), &pos); i != HASH_NONE; i = hash_next(&h, hash_u64(want / 2), &pos))
			found += i == want;
		assert_int_equal(found, want % 3 ? 1 : 0);
	}
	hash_clear(&h);
	assert_int_equal(hash_first(&h, hash_u64(1), &pos), HASH_NONE);
	hash_fini(&h);
	/* Room beforehand: nothing moves until it is used up. */
	hash_reserve(&h, 0);
	hash_reserve(&h, 100);
	slots = h.slots;
	for (i = 0; i < 100; i++)
		hash_add(&h, hash_u64(i), i);
	assert_ptr_equal(h.slots, slots);
	hash_reserve(&h, 1000);
	assert_int_equal(hash_first(&h, hash_u64(99), &pos), 99);
	hash_fini(&h);
}

static void arena_pieces_keep_their_contents(void **state)
{
	struct arena a = { 0 };
	char *pieces[500];

	for (int i = 0; i < 500; i++) {
		size_t size = (size_t)(i * 37 % 9000) + 1;

		pieces[i] = arena_alloc(&a, size);
		assert_int_equal((uintptr_t)pieces[i] % 8, 0);
		memset(pieces[i], i, size);
	}
	for (int i = 0; i < 500; i++) {
		size_t size = (size_t)(i * 37 % 9000) + 1;

		assert_int_equal(pieces[i][0], (char)i);
		assert_int_equal(pieces[i][size - 1], (char)i);
	}
	arena_fini(&a);
	assert_int_equal(a.size, 0);
}

static void check_clean(const char *in, size_t size, const char *want)
{
	char out[64];

	assert_int_equal(text_clean(out, sizeof(out), in, size), strlen(want));
	assert_string_equal(out, want);
	assert_true(text_is_clean(out, strlen(out)));
}

static void text_is_valid_utf8_whatever_comes(void **state)
{
	char out[8];

	check_clean("plain", 5, "plain");
	check_clean("a\nb\x7f", 4, "a\\x0ab\\x7f");
	check_clean("\xff\xfe", 2, "\\xff\\xfe");
	check_clean("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
	check_clean("cut\xc3", 4, "cut");           /* comm cut in mid-character */
	check_clean("\xc0\xaf", 2, "\\xc0\\xaf");   /* overlong */
	check_clean("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
	check_clean("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80");
	check_clean("nul\0hidden", 10, "nul");
	assert_int_equal(text_clean(out, sizeof(out), "12345\xc3\xbc" "6", 8), 7); /* cut at a boundary */
	assert_string_equal(out, "12345\xc3\xbc");
	text_file_name(out, sizeof(out), "../a\nb");
	assert_string_equal(out, "_._a_b");
	text_file_name(out, sizeof(out), "");
	assert_string_equal(out, "_");
}

static void gzip_round_trip_and_refusals(void **state)
{
	size_t size = 300000, written;
	char *data = malloc(size);
	struct buf packed = { 0 }, plain = { 0 };
	int fd = memfd_create("gzip", MFD_CLOEXEC);

	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * i >> 7);
	assert_int_equal(gzip_to_fd(fd, data, size, 6, &written), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(io_read_all(fd, &packed, 1 << 20), 0);
	assert_int_equal(packed.size, written);
	assert_int_equal(gzip_inflate(packed.data, packed.size, size, &plain), 0);
	assert_int_equal(plain.size, size);
	assert_memory_equal(plain.data, data, size);
	assert_int_equal(gzip_inflate(packed.data, packed.size, size - 1, &plain), -EFBIG);
	assert_int_equal(gzip_inflate(packed.data, packed.size - 1, size * 4, &plain), -EBADMSG);
	buf_str(&packed, "tail");
	assert_int_equal(gzip_inflate(packed.data, packed.size, size * 4, &plain), -EBADMSG);
	buf_fini(&packed);
	buf_fini(&plain);
	free(data);
	close(fd);
}

static void channel_passes_descriptors_and_refuses_surplus(void **state)
{
	int pair[2], fds[4], got[4];
	unsigned nr = 4;
	char msg[16];

	assert_int_equal(channel_pair(pair), 0);
	for (int i = 0; i < 4; i++)
		fds[i] = io_memfd("x", &i, sizeof(i));
	assert_int_equal(channel_send(pair[0], "hello", 5, fds, 4), 0);
	assert_int_equal(channel_recv(pair[1], msg, sizeof(msg), got, &nr), 5);
	assert_int_equal(nr, 4);
	for (int i = 0, value; i < 4; i++) {
		assert_int_equal(io_pread(got[i], &value, sizeof(value), 0), sizeof(value));
		assert_int_equal(value, i);
		assert_int_equal(fcntl(got[i], F_GETFD), FD_CLOEXEC);
		close(got[i]);
	}
	nr = 2;
	assert_int_equal(channel_send(pair[0], "hello", 5, fds, 4), 0);
	assert_int_equal(channel_recv(pair[1], msg, sizeof(msg), got, &nr), -EBADMSG);
	assert_int_equal(channel_send(pair[0], "0123456789abcdefg", 17, NULL, 0), 0);
	assert_int_equal(channel_recv(pair[1], msg, sizeof(msg), NULL, NULL), -EBADMSG);
	assert_int_equal(channel_recv(pair[1], msg, sizeof(msg), NULL, NULL), -EAGAIN);
	close(pair[0]);
	assert_int_equal(channel_recv(pair[1], msg, sizeof(msg), NULL, NULL), 0);
	close(pair[1]);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void kernel_addresses_are_hidden_and_found_again(void **state)
{
	uint64_t text = 0xffffffff93000000, module = 0xffffffffc0123456, blind = 0x123456789000;

	assert_int_equal(kernel_hide(text + 0x100, text, blind), 0x100);
	assert_int_equal(kernel_unhide(0x100, blind), 0x100);
	assert_int_equal(kernel_hide(module, text, 0), 0);
	assert_int_equal(kernel_hide(module, 0, blind), 0);
	assert_int_not_equal(kernel_hide(module, text, blind), module - text);
	assert_int_equal(kernel_unhide(kernel_hide(module, text, blind), blind), module - text);
	/* A module that happens to lie within the image's reach is hidden all the same. */
	text = 0xffffffffbf000000;
	assert_int_not_equal(kernel_hide(module, text, blind), module - text);
	assert_int_equal(kernel_unhide(kernel_hide(module, text, blind), blind), module - text);
}

static void debug_files_have_few_places(void **state)
{
	struct debug_names n = { .build_id = "\x01\xab\xcd", .build_id_size = 3, .link = "x.debug" };
	static const char *const places[] = { "/dbg/.build-id/01/abcd.debug", "/usr/bin/x.debug",
					      "/usr/bin/.debug/x.debug", "/dbg/usr/bin/x.debug" };
	static const struct {
		const char *name, *link;
	} dwz[] = {
		{ "/usr/lib/debug/.dwz/x86_64-linux-gnu/libc6.debug", ".dwz/x86_64-linux-gnu/libc6.debug" },
		{ "../../../.dwz/bash-5.1", ".dwz/bash-5.1" },
		{ ".dwz/x", ".dwz/x" },
		{ "/usr/lib/debug/.dwz/../../../etc/passwd", NULL },
		{ "/x/.dwz//y", NULL },
		{ "/x/.dwz/./y", NULL },
		{ "/x/.dwz/..", NULL },
		{ "/x/.dwz/", NULL },
		{ "/x/y.debug", NULL },
		{ "", NULL },
	};
	char path[PATH_MAX], object[PATH_MAX];

	assert_true(debug_names_valid(&n));
	for (int i = 0; i < DEBUG_NR_PLACES; i++) {
		assert_true(debug_path(&n, (enum debug_place)i, "/usr/bin/x", "/dbg", path));
		assert_string_equal(path, places[i]);
		assert_int_equal(debug_path(&n, (enum debug_place)i, "", "/dbg", path), i == 0);
		assert_int_equal(debug_path(&n, (enum debug_place)i, "x", "/dbg", path), i == 0);
	}
	assert_true(debug_path(&n, DEBUG_BESIDE, "/x", "/dbg", path));
	assert_string_equal(path, "/x.debug");
	memset(object, 'a', sizeof(object));
	object[0] = object[PATH_MAX - 8] = '/';
	object[PATH_MAX - 1] = 0;
	for (int i = DEBUG_BESIDE; i < DEBUG_NR_PLACES; i++)
		assert_false(debug_path(&n, (enum debug_place)i, object, "/dbg", path));
	n.build_id_size = 0;
	assert_false(debug_names_valid(&n)); /* bytes without size */
	memset(n.build_id, 0, sizeof(n.build_id));
	assert_true(debug_names_valid(&n));
	assert_false(debug_path(&n, DEBUG_BY_BUILD_ID, "/x", "/dbg", path));
	n.build_id_size = 3;
	memcpy(n.build_id, "\x01\xab\xcd", 3);
	for (unsigned i = 0; i < sizeof(dwz) / sizeof(dwz[0]); i++) {
		memset(n.link, 0, sizeof(n.link));
		assert_int_equal(debug_dwz_link(dwz[i].name, n.link), dwz[i].link != NULL);
		assert_string_equal(n.link, dwz[i].link ? dwz[i].link : "");
		assert_true(debug_names_valid(&n));
	}
	strcpy(n.link, ".dwz/x/y.debug");
	assert_true(debug_path(&n, DEBUG_IN_FOLDER, "", "/dbg", path));
	assert_string_equal(path, "/dbg/.dwz/x/y.debug");
	assert_false(debug_path(&n, DEBUG_BESIDE, "/usr/bin/x", "/dbg", path));
	strcpy(n.link, ".dwz/../y.debug");
	assert_false(debug_names_valid(&n));
	assert_false(debug_link_valid(""));
	assert_false(debug_link_valid("."));
	assert_false(debug_link_valid(".."));
	assert_false(debug_link_valid("a/b"));
	assert_true(debug_link_valid("..."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debug_files_have_few_places),
		cmocka_unit_test(arrays_grow_by_what_input_says_as_far_as_they_can),
		cmocka_unit_test(a_child_gets_so_much_more_memory),
		cmocka_unit_test(reader_sticks_at_its_first_error),
		cmocka_unit_test(reader_refuses_sizes_past_the_end),
		cmocka_unit_test(reader_reads_leb128),
		cmocka_unit_test(hash_finds_what_was_added_and_not_what_was_removed),
		cmocka_unit_test(arena_pieces_keep_their_contents),
		cmocka_unit_test(text_is_valid_utf8_whatever_comes),
		cmocka_unit_test(gzip_round_trip_and_refusals),
		cmocka_unit_test(channel_passes_descriptors_and_refuses_surplus),
		cmocka_unit_test(kernel_addresses_are_hidden_and_found_again),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
