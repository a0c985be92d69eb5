//! A process's state, from `/proc` (Linux) or `proc_pidinfo` (macOS).

use std::io;

#[cfg(target_os = "linux")]
use crate::sys::FileId;
use crate::sys::LockLine;

#[cfg(target_os = "linux")]
pub(in crate::sys) fn start_time(pid: u32) -> io::Result<Option<u64>> {
    let itself = pid == std::process::id();
    if !itself && !counts_as_we_do() {
        return hidden_or_gone(pid);
    }
    let place = if itself {
        "/proc/self/stat".to_owned()
    } else {
        format!("/proc/{pid}/stat")
    };
    let line = match std::fs::read(place) {
        Ok(line) => line,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return hidden_or_gone(pid),
        // The process ended between open and read.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
        Err(error) => return Err(error),
    };
    let odd = || io::Error::other("/proc/PID/stat has another form than proc(5) says");
    let stat = Stat::parse(&line).ok_or_else(odd)?;
    // If only the main thread has ended, the process shows as a zombie while
    // the others run and keep the files.
    if stat.ended && (stat.threads <= 1 || others_have_ended(pid)) {
        return Ok(None);
    }
    Ok(Some(stat.start))
}

/// The state of a thread in `/proc/PID/stat` (man 5 proc).
#[cfg(target_os = "linux")]
struct Stat {
    /// It no longer runs an instruction of its program. A process on its way
    /// out releases its locks before it becomes a zombie. The next holder of
    /// such a lock then asks about an owner that seems to live.
    ended: bool,
    threads: u64,
    start: u64,
}

#[cfg(target_os = "linux")]
impl Stat {
    fn parse(line: &[u8]) -> Option<Stat> {
        /// `include/linux/sched.h`.
        const PF_EXITING: u64 = 0x4;
        // The second field is the name in parentheses and may hold anything, so
        // count from the last one. Field 3 is the state, 9 the flags, 20 the
        // number of threads, 22 the start.
        let line = String::from_utf8_lossy(line);
        let (_, rest) = line.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let flags: u64 = fields.nth(5)?.parse().ok()?;
        let threads = fields.nth(10)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        Some(Stat {
            ended: matches!(state, "Z" | "X" | "x") || flags & PF_EXITING != 0,
            threads,
            start,
        })
    }
}

/// Returns whether all threads of a process whose main thread has ended are on
/// their way out too.
#[cfg(target_os = "linux")]
fn others_have_ended(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return true;
    };
    threads.flatten().all(|thread| {
        // A missing thread has ended.
        std::fs::read(thread.path().join("stat"))
            .ok()
            .and_then(|line| Stat::parse(&line))
            .is_none_or(|stat| stat.ended)
    })
}

/// Returns the name of a process's program (man 5 proc: `comm`).
#[cfg(target_os = "linux")]
pub(in crate::sys) fn name_of(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Returns the name of a process's program.
#[cfg(target_os = "macos")]
pub(in crate::sys) fn name_of(pid: u32) -> Option<String> {
    let name = bsd_info(pid).ok()??.pbi_name;
    let name = name.iter().take_while(|byte| **byte != 0);
    let name: Vec<u8> = name.map(|byte| byte.cast_unsigned()).collect();
    Some(String::from_utf8_lossy(&name).into_owned()).filter(|name| !name.is_empty())
}

/// Returns `None`, since the system does not report it here.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(in crate::sys) fn name_of(_: u32) -> Option<String> {
    None
}

/// Returns whether a debugger or a signal has stopped the process (man 5 proc).
#[cfg(target_os = "linux")]
pub(in crate::sys) fn is_stopped(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    line.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_ascii_whitespace().next())
        .is_some_and(|state| matches!(state, "T" | "t"))
}

/// Returns whether a debugger or a signal has stopped the process.
#[cfg(target_os = "macos")]
pub(in crate::sys) fn is_stopped(pid: u32) -> bool {
    matches!(bsd_info(pid), Ok(Some(info)) if info.pbi_status == libc::SSTOP)
}

/// Returns `false`, since the system does not report it here.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(in crate::sys) fn is_stopped(_: u32) -> bool {
    false
}

/// Returns whether `/proc` shows the pids of our own pid namespace. A container
/// with its host's `/proc` has other processes there under the same numbers.
#[cfg(target_os = "linux")]
fn counts_as_we_do() -> bool {
    let shown = std::fs::read_link("/proc/self");
    shown.is_ok_and(|shown| shown.to_str() == Some(&std::process::id().to_string()))
}

/// Decides why a process is missing. With `hidepid` other users' processes are
/// not in `/proc` (man 5 proc).
#[cfg(target_os = "linux")]
fn hidden_or_gone(pid: u32) -> io::Result<Option<u64>> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    match pid.map(rustix::process::test_kill_process) {
        None | Some(Err(rustix::io::Errno::SRCH)) => Ok(None),
        Some(_) => Err(io::Error::other("the process is hidden from us")),
    }
}

#[cfg(target_os = "macos")]
pub(in crate::sys) fn start_time(pid: u32) -> io::Result<Option<u64>> {
    Ok(bsd_info(pid)?.map(|info| info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec))
}

/// Returns the system's knowledge of a process; `None` if it has ended. Of other users' processes only
/// root may know (EPERM).
#[cfg(target_os = "macos")]
fn bsd_info(pid: u32) -> io::Result<Option<libc::proc_bsdinfo>> {
    let pid = i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the all-zero bit pattern is a valid `proc_bsdinfo`.
    let mut info: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    let size = i32::try_from(size_of::<libc::proc_bsdinfo>()).expect("a small struct");
    // SAFETY: `info` is `size` bytes long and is only written to.
    let n = unsafe {
        libc::proc_pidinfo(
            pid,
            libc::PROC_PIDTBSDINFO,
            0,
            std::ptr::from_mut(&mut info).cast(),
            size,
        )
    };
    if n < size {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ESRCH) => Ok(None),
            _ => Err(error),
        };
    }
    Ok((info.pbi_status != libc::SZOMB).then_some(info))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(in crate::sys) fn start_time(_: u32) -> io::Result<Option<u64>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
pub(in crate::sys) fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Returns `kern.bootsessionuuid`, which is new with each start of the machine.
#[cfg(target_os = "macos")]
pub(in crate::sys) fn boot_id() -> Option<String> {
    let mut id = [0_u8; 64];
    let mut length = id.len();
    // SAFETY: the name ends in a NUL; at most `length` bytes of `id` are
    // written.
    let done = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            id.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let id = id.get(..length).filter(|_| done == 0)?;
    let text = std::ffi::CStr::from_bytes_until_nul(id).ok()?;
    Some(text.to_str().ok()?.to_owned())
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(in crate::sys) fn boot_id() -> Option<String> {
    None
}

/// Returns the numbers of our pid and time namespaces (man 7 namespaces). Start
/// times in `/proc` include the time namespace's offset.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn pid_namespace() -> Option<String> {
    let number = |kind: &str| {
        let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
        let text = link.to_str()?;
        let (_, number) = text.strip_suffix(']')?.rsplit_once('[')?;
        Some(number.to_owned())
    };
    let pids = number("pid")?;
    Some(match number("time") {
        Some(times) => format!("{pids}/{times}"),
        None => pids,
    })
}

#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn pid_namespace() -> Option<String> {
    None
}

pub(in crate::sys) fn host_name() -> Option<String> {
    let name = rustix::system::uname();
    Some(name.nodename().to_string_lossy().into_owned())
}

/// Reads `/proc/locks`. It has a line for each lock, `1: FLOCK ADVISORY WRITE 4711
/// fe:00:1234 0 EOF` (man 5 proc_locks): pid, then major:minor:inode, in hexadecimal but
/// for the inode. Waiters' lines begin `1: ->`.
#[cfg(target_os = "linux")]
pub(in crate::sys) fn lock_table() -> Option<Vec<LockLine>> {
    let table = table().ok()?;
    Some(table.lines().filter_map(lock_line).collect())
}

#[cfg(target_os = "linux")]
fn lock_line(line: &str) -> Option<LockLine> {
    let mut fields = line.split_ascii_whitespace().skip(1).peekable();
    let is_waiting = fields.next_if_eq(&"->").is_some();
    (fields.next()? == "FLOCK").then_some(())?;
    // A process in another pid namespace shows as 0 or -1.
    let pid = fields.nth(2)?.parse().ok().filter(|pid| *pid > 0)?;
    let mut place = fields.next()?.split(':');
    let mut number = |radix| u64::from_str_radix(place.next()?, radix).ok();
    let (major, minor, inode) = (number(16)?, number(16)?, number(10)?);
    let device = rustix::fs::makedev(u32::try_from(major).ok()?, u32::try_from(minor).ok()?);
    Some(LockLine {
        id: FileId { device, inode },
        pid,
        is_waiting,
    })
}

/// Reads the table in as few pieces as the kernel gives (a page each). From one
/// piece to the next the kernel counts lines, and misses one if another went
/// away meanwhile. std's `read_to_string` begins with pieces of 32 bytes.
#[cfg(target_os = "linux")]
fn table() -> io::Result<String> {
    use std::io::Read;

    let mut file = std::fs::File::open("/proc/locks")?;
    let (mut table, mut piece) = (Vec::new(), vec![0; 65_536]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(String::from_utf8_lossy(&table).into_owned()),
            n => table.extend_from_slice(&piece[..n]),
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(in crate::sys) fn lock_table() -> Option<Vec<LockLine>> {
    None
}

pub(in crate::sys) fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: the all-zero bit pattern is a valid `sigset_t`; the calls only
    // read and write the two sets, which live here.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let done = work();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        done
    }
}
