#include "daemon/sandbox.h"

#ifdef HAVE_LIBSECCOMP

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

DEFINE_CLEANUP(scmp_filter_ctx, seccomp_release);

/* The kernel reads 32 bits of an ioctl request and of the flags of mmap(2) and clone(2). A
 * comparison of all 64 bits of the register would let a request with other high bits pass
 * (CVE-2019-7303). */
#define LOW_32 UINT64_C(0xffffffff)

/* clone(2) takes its flags first, but not on S/390. */
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* CLONE_NEWTIME is missing: in clone(2) its bit belongs to the exit signal. */
#define CLONE_NEW                                                                     \
	(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | \
	 CLONE_NEWUSER | CLONE_NEWUTS)

/* From 403 on, a system call has the same number on all architectures, counted from a base of each
 * (syscalls(2)); these are of Linux 5.1 and later. */
#define CLONE3 435
#define SHARED_FIRST 403
#define SHARED_END 512

/*
 * What the daemon calls once it serves: it starts no program, makes no socket and changes nothing
 * of the system. Families are complete, because libraries change from one member to another. A name
 * that an architecture does not have is skipped.
 */
static const char *const allowed[] = {
	/* Descriptors */
	"close",
	"dup",
	"dup2",
	"dup3",
	"eventfd2",
	"fcntl",
	"fcntl64",
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
	"mremap",
	"munmap",
	/* Threads, signals and the end */
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
	/* Information */
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

/* Their arguments decide. The list of ioctl requests is short because that is what glibc and our
 * libraries use: TIOCSTI and TIOCLINUX would type commands into the terminal that started us.
 * mmap and mprotect are allowed without PROT_EXEC, and clone for threads alone. */
static const struct {
	const char *name;
	struct scmp_arg_cmp argument;
} conditions[] = {
	{ "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, FIOCLEX) },
	{ "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, FIONBIO) },
	{ "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, FIONREAD) },
	{ "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, TCGETS) },
	{ "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, TIOCGWINSZ) },
	{ "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
#if defined(__s390__)
	{ "mmap", SCMP_A0(SCMP_CMP_GE, 0) }, /* its arguments are in memory, out of reach */
#elif !defined(__i386__)
	{ "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
#endif
	{ "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
	{ "clone",
	  SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_NEW | CLONE_THREAD, CLONE_THREAD) },
};

/*
 * A C library tries a newer call first and takes an older one after ENOSYS, but gives up after
 * EPERM: clone after clone3, whose flags are in memory where no filter sees them. So all calls of
 * Linux 5.1 and later are missing here, also those that this libseccomp does not know, and these
 * older ones.
 */
static const char *const missing[] = {
	"copy_file_range", "execveat",	 "io_pgetevents", "memfd_create",
	"mlock2",	   "pkey_alloc", "preadv2",	  "pwritev2",
};

/* A call that this architecture does not have needs no rule. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, int number,
		    const struct scmp_arg_cmp *argument)
{
	int result;

	if (number == __NR_SCMP_ERROR)
		return 0;
	result = seccomp_rule_add_array(filter, action, number, argument ? 1 : 0, argument);
	return result == -EDOM ? 0 : result;
}

bool seccomp_is_available(void)
{
	return true;
}

int seccomp_restrict(struct error *err)
{
	_cleanup_(seccomp_releasep) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int base = seccomp_syscall_resolve_name("clone3") - CLONE3;
	int result = filter ? 0 : -ENOMEM;

	if (result == 0) /* the caller does that */
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed) && result == 0; i++)
		result = add_rule(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(allowed[i]),
				  NULL);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions) && result == 0; i++)
		result = add_rule(filter, SCMP_ACT_ALLOW,
				  seccomp_syscall_resolve_name(conditions[i].name),
				  &conditions[i].argument);
	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing) && result == 0; i++)
		result = add_rule(filter, SCMP_ACT_ERRNO(ENOSYS),
				  seccomp_syscall_resolve_name(missing[i]), NULL);
	for (int n = SHARED_FIRST; n < SHARED_END && result == 0 && base >= 0; n++) {
		_cleanup_(freep) char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
									       base + n);
		bool is_allowed = false;

		for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed) && name; i++)
			is_allowed |= text_equals(name, allowed[i]);
		if (!is_allowed)
			result = add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), base + n, NULL);
	}
	/* Its return value hides the kernel's error. */
	errno = 0;
	if (result == 0 && seccomp_load(filter) < 0)
		result = errno ? -errno : -EINVAL;
	return result < 0 ? error_set(err, ERROR_SYSTEM, "%s", strerror(-result)) : 0;
}

#else

bool seccomp_is_available(void)
{
	return false;
}

int seccomp_restrict(struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "built without libseccomp");
}

#endif
