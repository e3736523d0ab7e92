#include "daemon/seccomp.h"

#include "util/error.h"

#ifdef HAVE_LIBSECCOMP

#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "util/cleanup.h"

DEFINE_CLEANUP(scmp_filter_ctx, seccomp_release);

/*
 * What a server that is open for business does: no program is started, no socket is made, nothing
 * of the system is changed. Names that an architecture does not have are passed over. Families are
 * whole, for libraries change from one member to another.
 */
static const char *const calls[] = {
	/* Descriptors */
	"close",
	"dup",
	"dup2",
	"dup3",
	"eventfd2",
	"fcntl",
	"fcntl64",
	"ioctl",
	"pipe2",
	"read",
	"readv",
	"write",
	"writev",
	/* Connections */
	"accept",
	"accept4",
	"getpeername",
	"getsockname",
	"getsockopt",
	"recv",
	"recvfrom",
	"recvmmsg",
	"recvmsg",
	"send",
	"sendfile",
	"sendfile64",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	/* Waiting */
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"nanosleep",
	"poll",
	"ppoll",
	"ppoll_time64",
	"pselect6",
	"pselect6_time64",
	"restart_syscall",
	"sched_yield",
	"select",
	/* Files, in the directories that Landlock leaves */
	"_llseek",
	"access",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fallocate",
	"fchmod",
	"fchown",
	"fdatasync",
	"flock",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"getcwd",
	"getdents64",
	"inotify_add_watch",
	"inotify_init1",
	"inotify_rm_watch",
	"lseek",
	"lstat",
	"lstat64",
	"newfstatat",
	"open",
	"openat",
	"pread64",
	"preadv",
	"pwrite64",
	"pwritev",
	"readlink",
	"readlinkat",
	"rename",
	"renameat",
	"renameat2",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	"umask",
	"unlink",
	"unlinkat",
	"utimensat",
	"utimensat_time64",
	/* Memory */
	"brk",
	"madvise",
	"mmap",
	"mmap2",
	"mprotect",
	"mremap",
	"munmap",
	/* Threads, signals and the end */
	"clone",
	"clone3",
	"exit",
	"exit_group",
	"futex",
	"futex_time64",
	"get_robust_list",
	"getpid",
	"gettid",
	"membarrier",
	"prctl",
	"rseq",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"sched_getaffinity",
	"set_robust_list",
	"sigaltstack",
	"sigreturn",
	"tgkill",
	/* What there is to know */
	"clock_getres",
	"clock_gettime",
	"clock_gettime64",
	"getegid",
	"geteuid",
	"getgid",
	"getrandom",
	"getresgid",
	"getresuid",
	"getrlimit",
	"getrusage",
	"gettimeofday",
	"getuid",
	"prlimit64",
	"sysinfo",
	"time",
	"ugetrlimit",
	"uname",
};

bool seccomp_is_available(void)
{
	return true;
}

int seccomp_restrict(struct error *err)
{
	_cleanup_(seccomp_releasep) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = filter ? 0 : -ENOMEM;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && result == 0; i++) {
		int number = seccomp_syscall_resolve_name(calls[i]);

		if (number == __NR_SCMP_ERROR)
			continue;
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
		if (result == -EDOM)
			result = 0;
	}
	if (result == 0)
		result = seccomp_load(filter);
	if (result < 0)
		return error_set(err, ERROR_SYSTEM, "cannot filter system calls: %s",
				 strerror(-result));
	return 0;
}

#else

bool seccomp_is_available(void)
{
	return false;
}

int seccomp_restrict(struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "this mailconfd was built without libseccomp");
}

#endif
