#include "fetch/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* Those of the first version. */
#define WRITING                                                                                                        \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |               \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                  \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)
#define IN_FOLDER (READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

static int allow(int rules, int dir, uint64_t access)
{
	struct landlock_path_beneath_attr below = { .allowed_access = access, .parent_fd = dir };

	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0 ? -errno : 0;
}

/* Where libraries are, certificates and what name servers there are, on one system or another. */
static int allow_system(int rules)
{
	static const char *const folders[] = {
		"/etc", "/usr", "/lib", "/lib64", "/run", "/var/lib/ca-certificates", "/proc/sys/crypto", "/nix/store", "/gnu/store",
	};
	int err = 0;

	for (size_t i = 0; i < LENGTH(folders) && !err; i++) {
		int dir = open(folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			continue;
		err = allow(rules, dir, READING);
		close(dir);
	}
	return err;
}

int confine_files(int dir)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = READING | WRITING | LANDLOCK_ACCESS_FS_EXECUTE };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0), err;

	if (rules < 0)
		return -errno;
	err = allow_system(rules);
	if (!err)
		err = allow(rules, dir, IN_FOLDER);
	if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0))
		err = -errno;
	close(rules);
	return err;
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif
#define OTHER_ABI 0x40000000 /* the bit of x32's calls */

/* What reaches other processes, or more of the kernel than a client of HTTP has use for. */
static const uint32_t refused[] = {
	SYS_execve, SYS_execveat, SYS_unshare, SYS_setns,
	SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal, SYS_pidfd_getfd,
	SYS_ptrace, SYS_kcmp, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise,
	SYS_move_pages, SYS_migrate_pages, SYS_setpriority, SYS_ioprio_set,
	SYS_sched_setaffinity, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_setattr,
	SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
	SYS_keyctl, SYS_add_key, SYS_request_key,
};

#define NEW_NAMESPACES                                                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define FAIL(err)    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (err))
#define PERMIT       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(nr, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, skipped)

int confine_calls(void)
{
	const struct sock_filter head[] = {
		LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0), FAIL(EPERM),
		LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, OTHER_ABI, 0, 1), FAIL(EPERM),
	};
	const struct sock_filter tail[] = {
		UNLESS(SYS_clone3, 1), FAIL(ENOSYS), /* whose flags cannot be seen: clone(2) is taken then */
		UNLESS(SYS_clone, 4), LOAD(args[0]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACES, 0, 1), FAIL(EPERM), PERMIT,
		UNLESS(SYS_socket, 5), LOAD(args[0]), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0), FAIL(EAFNOSUPPORT), PERMIT,
		UNLESS(SYS_tgkill, 4), LOAD(args[0]), UNLESS((uint32_t)getpid(), 1), PERMIT, FAIL(EPERM),
		UNLESS(SYS_prlimit64, 4), LOAD(args[0]), UNLESS(0, 1), PERMIT, FAIL(EPERM),
		PERMIT,
	};
	struct sock_filter code[LENGTH(head) + 2 * LENGTH(refused) + LENGTH(tail)];
	struct sock_fprog program = { .filter = code };

	for (size_t i = 0; i < LENGTH(head); i++)
		code[program.len++] = head[i];
	for (size_t i = 0; i < LENGTH(refused); i++) {
		code[program.len++] = (struct sock_filter)UNLESS(refused[i], 1);
		code[program.len++] = (struct sock_filter)FAIL(EPERM);
	}
	for (size_t i = 0; i < LENGTH(tail); i++)
		code[program.len++] = tail[i];
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}
