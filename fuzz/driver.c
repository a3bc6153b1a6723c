/* driver: what libFuzzer's main() is to the fuzz targets, for any compiler: gives each file of
 * fuzz/seeds/NAME/ to the target once. A TAP test that fails with fewer than MIN_SEEDS of them;
 * after a crash the last line tells the seed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

#define MIN_SEEDS     20
#define MAX_SEED_SIZE (16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_file(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int replay_file(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct buf b = { 0 };

	free(path);
	if (fd < 0)
		return -errno;
	err = io_read_all(fd, &b, MAX_SEED_SIZE);
	if (!err) {
		printf("# %s\n", name);
		fflush(stdout);
		LLVMFuzzerTestOneInput(b.data ? b.data : (const uint8_t *)"", b.size);
	}
	buf_fini(&b);
	close(fd);
	return err;
}

/* The number of seeds given, or negative errno. */
static int replay_dir(const char *dir)
{
	struct dirent **names = NULL;
	int nr = scandir(dir, &names, is_file, alphasort), err = 0;

	if (nr < 0)
		return -errno;
	for (int i = 0; i < nr; i++) {
		if (!err)
			err = replay_file(dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return err ? err : nr;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	const char *top = getenv("top_srcdir");
	char *dir;
	int nr;

	if (!strncmp(name, "fuzz_", 5))
		name += 5;
	puts("1..1");
	dir = xasprintf("%s/fuzz/seeds/%s", top ? top : ".", name);
	nr = replay_dir(dir);
	if (nr < 0)
		printf("# %s: %s\n", dir, strerror(-nr));
	else
		printf("# %d seeds, at least %d are needed\n", nr, MIN_SEEDS);
	printf("%s 1 - %s replays its seeds\n", nr >= MIN_SEEDS ? "ok" : "not ok", name);
	free(dir);
	return 0;
}
