//! The system calls that a process which decodes may make; any other returns EPERM. An allowlist, because a kernel gains calls.
//! In: nothing. Out: whether the kernel took the filter. The list was taken from traces of whole transcriptions, and of
//! what the C library does on its own account when a thread starts, ends or aborts.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Safe with any argument: they act on memory, threads and clocks of this process, or on what is open already.
const ALWAYS: [libc::c_long; 36] = [
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmsg,
    libc::SYS_set_robust_list,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Installs both filters on every thread. A kernel without seccomp is `Ok(false)`.
pub(super) fn install() -> Result<bool, Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    // clone3 keeps its flags in memory, out of a filter's sight: told that there is none, the C library takes clone.
    let no_clone3 = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        arch,
    )?;
    let mut rules = conditional()?;
    rules.extend(ALWAYS.map(|call| (call, Vec::new())));
    // The first filter answers for it, and of two answers the stricter counts.
    rules.insert(libc::SYS_clone3, Vec::new());
    let allowlist = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        SeccompAction::Allow,
        arch,
    )?;
    for filter in [no_clone3, allowlist] {
        let program: BpfProgram = filter.try_into()?;
        match seccompiler::apply_filter_all_threads(&program) {
            Ok(()) => {}
            Err(Error::Seccomp(e)) if e.raw_os_error() == Some(libc::ENOSYS) => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// Allowed with some arguments only.
fn conditional() -> Result<BTreeMap<i64, Vec<SeccompRule>>, Error> {
    let flag = |value: i32| u64::from(value.unsigned_abs());
    let (exec, thread) = (flag(libc::PROT_EXEC), flag(libc::CLONE_THREAD));
    let (of_descriptor, own_pid) = (flag(libc::AT_EMPTY_PATH), u64::from(std::process::id()));
    let is = |value: i32| (SeccompCmpOp::Eq, flag(value));
    let rules = [
        // Threads, never processes.
        (libc::SYS_clone, vec![(0, masked(thread), thread)]),
        // No new code.
        (libc::SYS_mmap, vec![(2, masked(exec), 0)]),
        (libc::SYS_mprotect, vec![(2, masked(exec), 0)]),
        // abort(3) signals its own thread.
        (libc::SYS_tgkill, vec![(0, SeccompCmpOp::Eq, own_pid)]),
        // How the length of an open file is asked for.
        (
            libc::SYS_newfstatat,
            vec![(3, masked(of_descriptor), of_descriptor)],
        ),
        (
            libc::SYS_statx,
            vec![(2, masked(of_descriptor), of_descriptor)],
        ),
        // Without an address: a connected socket.
        (libc::SYS_sendto, vec![(4, SeccompCmpOp::Eq, 0)]),
    ];
    let mut all: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, conditions) in rules {
        all.entry(call).or_default().push(rule(&conditions)?);
    }
    // F_SETOWN would send signals, so only what copies and inspects descriptors.
    for command in [libc::F_GETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC] {
        let (operator, value) = is(command);
        let only = rule(&[(1, operator, value)])?;
        all.entry(libc::SYS_fcntl).or_default().push(only);
    }
    // A new thread gives itself a name.
    let (operator, value) = is(libc::PR_SET_NAME);
    all.insert(libc::SYS_prctl, vec![rule(&[(0, operator, value)])?]);
    Ok(all)
}

fn masked(mask: u64) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(mask)
}

fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, Error> {
    let conditions: Result<Vec<_>, _> = conditions
        .iter()
        .map(|(argument, operator, value)| {
            let width = SeccompCmpArgLen::Qword;
            SeccompCondition::new(*argument, width, operator.clone(), *value)
        })
        .collect();
    Ok(SeccompRule::new(conditions?)?)
}
