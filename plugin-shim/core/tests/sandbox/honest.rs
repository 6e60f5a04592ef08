//! What an honest plugin does must work.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use valor_shim_core::sandbox::Confined;
use valor_test_honest_plugin::PROGRAMS;

use crate::harness::{Case, Failures, Jail, Mode, library};

pub(crate) fn cases() -> Vec<Case> {
    vec![("honest_work_works", honest_work_works), ("libraries_are_found", libraries_are_found)]
}

fn honest_work_works(mode: Mode) {
    jail(mode).assert(everything);
}

/// With a plugin in C.
pub(crate) fn jail(mode: Mode) -> Jail {
    let jail = Jail::new(mode);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/plugins/honest.c");
    #[expect(clippy::disallowed_methods, reason = "a test compiles its plugin")]
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        .args([&jail.path("artifact"), &source])
        .status();
    assert!(status.unwrap().success(), "{} does not compile", source.display());
    jail
}

/// All that honest plugins are known to do, once before and once after the seal.
pub(crate) fn everything(confined: Confined) -> Failures {
    let data = confined.data_path.clone().unwrap();
    let tmp = confined.tmp_path.clone();
    let mut failures = Vec::new();
    match load(&confined.plugin_path) {
        Ok(plugin) => {
            run(plugin, &data, tmp.as_deref(), &mut failures);
            if let Err(error) = confined.seal() {
                failures.push(format!("seal: {error}"));
            }
            run(plugin, &data, tmp.as_deref(), &mut failures);
        }
        Err(error) => failures.push(format!("loading: {error}")),
    }
    failures
}

fn run(plugin: Handle, data: &Path, tmp: Option<&Path>, failures: &mut Failures) {
    work(data, tmp, failures);
    for (name, run) in PROGRAMS {
        if let Err(error) = run(data) {
            failures.push(format!("{name}: {error}"));
        }
    }
    if let Err(what) = in_c(plugin) {
        failures.push(format!("in C: {what}"));
    }
}

fn in_c(plugin: Handle) -> Result<(), String> {
    // SAFETY: the handle is open, and the name NUL-terminated.
    let symbol = unsafe { libc::dlsym(plugin, c"honest".as_ptr()) };
    assert!(!symbol.is_null());
    // SAFETY: it is this function, see `plugins/honest.c`.
    let honest: extern "C" fn() -> *const std::ffi::c_char = unsafe { std::mem::transmute(symbol) };
    let failure = honest();
    if failure.is_null() {
        return Ok(());
    }
    // SAFETY: else it is a constant string.
    Err(unsafe { std::ffi::CStr::from_ptr(failure) }.to_string_lossy().into_owned())
}

fn work(data: &Path, tmp: Option<&Path>, failures: &mut Failures) {
    let mut expect = |what: &str, result: Result<(), std::io::Error>| {
        if let Err(error) = result {
            failures.push(format!("{what}: {error}"));
        }
    };
    for directory in [Some(data), tmp].into_iter().flatten() {
        expect(&format!("files in {}", directory.display()), files(directory));
    }
    expect(
        "the working directory",
        fs::write("relative", "x").and_then(|()| fs::remove_file(data.join("relative"))),
    );
    expect("devices", devices());
    expect("threads", threads());
    expect("sockets", sockets());
    expect("random numbers", {
        let mut bytes = [0_u8; 16];
        // SAFETY: the buffer is as long as is said.
        if unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), 16, 0) } == 16 {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    });
    expect("a panic that is caught", {
        std::panic::set_hook(Box::new(|_| {}));
        let caught = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
        if caught { Ok(()) } else { Err(std::io::Error::other("not caught")) }
    });
    // SAFETY: fchown of standard input to nobody else: it must fail harmlessly.
    let chown = unsafe { libc::fchown(0, u32::MAX, u32::MAX) };
    if chown != -1 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EPERM) {
        failures.push("fchown is not refused by EPERM".to_owned());
    }
}

/// As SQLite, tempfile and friends do.
fn files(directory: &Path) -> std::io::Result<()> {
    let sub = directory.join("sub");
    fs::create_dir_all(sub.join("deeper"))?;
    let path = sub.join("database");
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    file.write_all(b"hello world")?;
    file.write_all_at(b"HELLO", 0)?;
    file.seek(SeekFrom::Start(0))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    assert_eq!(text, "HELLO world");
    file.lock()?;
    file.unlock()?;
    file.set_len(5)?;
    file.sync_all()?;
    file.sync_data()?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.set_modified(std::time::SystemTime::now())?;
    fs::copy(&path, sub.join("copy"))?;
    fs::rename(sub.join("copy"), sub.join("deeper/moved"))?;
    assert_eq!(fs::read(sub.join("deeper/moved"))?, b"HELLO");
    fs::canonicalize(&path)?;
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    let lock = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap(),
        l_whence: 0,
        l_start: 0,
        l_len: 1,
        l_pid: 0,
    };
    // SAFETY: the structure outlives the call.
    if unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&file), libc::F_SETLK, &raw const lock) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    assert!(fs::read_dir(&sub)?.count() >= 2);
    fs::remove_dir_all(&sub)
}

fn devices() -> std::io::Result<()> {
    let mut bytes = [0_u8; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    File::open("/dev/zero")?.read_exact(&mut bytes)?;
    OpenOptions::new().write(true).open("/dev/null")?.write_all(b"x")
}

fn threads() -> std::io::Result<()> {
    let handles: Vec<_> = (0..4)
        .map(|i| {
            std::thread::Builder::new().name(format!("worker-{i}")).spawn(|| {
                let (a, mut b) = std::io::pipe().unwrap();
                b.write_all(b"x").unwrap();
                drop(b);
                let mut a = a;
                let mut text = String::new();
                a.read_to_string(&mut text).unwrap();
                std::thread::park_timeout(Duration::from_millis(1));
                text
            })
        })
        .collect::<Result<_, _>>()?;
    for handle in handles {
        assert_eq!(handle.join().unwrap(), "x");
    }
    assert!(std::thread::available_parallelism()?.get() > 0);
    Ok(())
}

fn sockets() -> std::io::Result<()> {
    let (mut a, mut b) = UnixStream::pair()?;
    a.set_nonblocking(true)?;
    assert_eq!(a.write_vectored(&[std::io::IoSlice::new(b"ab"), std::io::IoSlice::new(b"c")])?, 3);
    a.write_all(b"d")?;
    a.shutdown(std::net::Shutdown::Write)?;
    let mut text = String::new();
    b.read_to_string(&mut text)?;
    assert_eq!(text, "abcd");
    assert!(a.take_error()?.is_none());
    let epoll = nix::sys::epoll::Epoll::new(nix::sys::epoll::EpollCreateFlags::EPOLL_CLOEXEC)?;
    let event = nix::sys::eventfd::EventFd::new()?;
    epoll.add(&event, nix::sys::epoll::EpollEvent::new(nix::sys::epoll::EpollFlags::EPOLLIN, 1))?;
    event.write(1)?;
    let mut events = [nix::sys::epoll::EpollEvent::empty()];
    assert_eq!(epoll.wait(&mut events, nix::sys::epoll::EpollTimeout::NONE)?, 1);
    Ok(())
}

/// Of a loaded library.
type Handle = *mut std::ffi::c_void;

fn load(path: &Path) -> Result<Handle, String> {
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).map_err(|e| e.to_string())?;
    // SAFETY: the name is NUL-terminated, and the library a test's or the C library's own.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
    if handle.is_null() {
        // SAFETY: takes nothing; after a failure it returns a string.
        let error = unsafe { libc::dlerror() };
        // SAFETY: the string is NUL-terminated, and lives until the next call.
        return Err(unsafe { std::ffi::CStr::from_ptr(error) }.to_string_lossy().into_owned());
    }
    Ok(handle)
}

/// By their name alone, as the dynamic linker looks for what a plugin needs.
fn libraries_are_found(mode: Mode) {
    let mut jail = Jail::new(mode);
    let soname = "libresolv.so.2";
    jail.setup.libraries =
        vec![valor_wire::control::Library { soname: soname.to_owned(), path: library(soname) }];
    jail.assert(|_| load(Path::new(soname)).err().into_iter().collect());
}
