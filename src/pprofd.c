/* pprofd(8): the table of contents. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "attach/attach.h"
#include "base/log.h"
#include "config/config.h"
#include "daemon/service.h"
#include "fetch/fetch.h"
#include "opener/opener.h"
#include "worker/worker.h"

#define CONFIG_FILE SYSCONFDIR "/pprofd.conf"
#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h: systemd need not try again */

static int usage(FILE *out, int status)
{
	fputs("usage: pprofd [-c FILE] [-d] [-t] [-p] [-V]\n"
	      "  -c FILE  read FILE instead of " CONFIG_FILE "\n"
	      "  -d       log more\n"
	      "  -t       check the configuration and exit\n"
	      "  -p       print the effective configuration and exit\n"
	      "  -V       print the version and exit\n"
	      "Stays in the foreground. SIGTERM: write the last profile and exit. SIGHUP: reload. SIGUSR2: end the window.\n",
	      out);
	return status;
}

int main(int argc, char **argv)
{
	const char *file = CONFIG_FILE;
	bool required = false, test = false, print = false, debug = false;
	struct config config;
	char error[512];
	int opt;

	/* Our own other processes, started by base/child: /proc/self/exe would call them "exe". */
	if (argc == 2 && !strcmp(argv[1], "--opener")) {
		prctl(PR_SET_NAME, "pprofd-opener");
		return opener_main();
	}
	if (argc == 2 && !strcmp(argv[1], "--attach")) {
		prctl(PR_SET_NAME, "pprofd-attach");
		return attach_main();
	}
	if (argc == 2 && !strcmp(argv[1], "--debuginfod")) {
		prctl(PR_SET_NAME, "pprofd-fetch");
		return fetch_main();
	}
	if (argc == 2 && !strcmp(argv[1], "--worker")) {
		prctl(PR_SET_NAME, "pprofd-worker");
		return worker_main();
	}

	while ((opt = getopt(argc, argv, "c:dtpVh")) != -1) {
		switch (opt) {
		case 'c': file = optarg; required = true; break;
		case 'd': debug = true; break;
		case 't': test = true; break;
		case 'p': print = true; break;
		case 'V': puts("pprofd " PACKAGE_VERSION); return 0;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind < argc)
		return usage(stderr, 2);
	log_init("pprofd", debug);
	if (config_load(&config, file, required, error, sizeof(error)) < 0) {
		log_warnx("%s", error);
		return EXIT_CONFIG;
	}
	if (print)
		config_print(&config, stdout);
	if (test)
		fputs("configuration OK\n", stderr);
	return print || test ? 0 : daemon_run(&config, file, required);
}
