//! Processes that a test starts, and what is missing on this machine.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long anything may take to come up, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A process of this test's own, killed by its id when the test is done with it.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; what it says on standard error (and output) goes to a file in
    /// `directory`, shown when something fails.
    pub(crate) fn start(
        program: impl AsRef<Path>,
        directory: &Path,
        arrange: impl FnOnce(&mut Command),
    ) -> Self {
        let (mut command, name, log) = prepare(program.as_ref(), directory);
        arrange(&mut command);
        let child = command.spawn().expect("the program starts");
        Self { name, child, log }
    }

    /// The process's exit code, once it has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().expect("the process can be asked");
        status.map(|status| status.code().unwrap_or(-1))
    }

    /// Asks the process to end (SIGTERM), and waits until it has; its exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(asked.expect("kill runs").success());
        let start = Instant::now();
        loop {
            if let Some(code) = self.ended() {
                return code;
            }
            let waited = start.elapsed();
            assert!(waited < PATIENCE, "{} goes on:\n{}", self.name, self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the process has said so far.
    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until `ready` says so; panics with the log where the process ends or time is up.
    pub(crate) fn wait_until(&mut self, what: &str, mut ready: impl FnMut() -> bool) {
        let start = Instant::now();
        while !ready() {
            if let Some(code) = self.ended() {
                panic!("{} ended with {code}:\n{}", self.name, self.log());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{} is not {what} after {PATIENCE:?}:\n{}",
                self.name,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killed and waited for: neither a process nor a zombie is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let end = &lines[lines.len().saturating_sub(20)..];
            eprintln!(
                "--- the end of what {} said:\n{}",
                self.name,
                end.join("\n")
            );
        }
    }
}

/// A process that is spoken to in lines.
pub(crate) struct Dialogue {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Dialogue {
    pub(crate) fn start(
        program: &str,
        directory: &Path,
        arrange: impl FnOnce(&mut Command),
    ) -> Self {
        let mut process = Process::start(program, directory, |command| {
            arrange(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        });
        let input = process.child.stdin.take().expect("standard input is piped");
        let output = process
            .child
            .stdout
            .take()
            .expect("standard output is piped");
        Self {
            process,
            input,
            output: BufReader::new(output),
        }
    }

    /// Says one line and waits for the line that answers it.
    pub(crate) fn say(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("the process listens");
        let mut answer = String::new();
        let read = self.output.read_line(&mut answer).expect("text comes back");
        assert!(read > 0, "no answer to {line}:\n{}", self.process.log());
        answer
    }
}

/// The command with its log file, and under `setpriv` where that is there: then the kernel ends
/// the process even if the test is killed before it can.
fn prepare(program: &Path, directory: &Path) -> (Command, String, PathBuf) {
    let name = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let log = directory.join(format!("{name}-{}.log", free_port()));
    let mut command = if find("setpriv").is_some() {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let file = File::create(&log).expect("the log file can be made");
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("the log file can be shared"))
        .stderr(file);
    (command, name, log)
}

/// Ports that the system gives to nobody who asks for any: its own begin at 32768, unless set up
/// otherwise.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

/// A port of loopback that is free, and that no other test takes as long as this process lives.
///
/// One that the system had chosen could go to somebody else's connection before the program that it is
/// for has come up.
pub(crate) fn free_port() -> u16 {
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    // A directory of this user's: another's could not be written to.
    let user = std::fs::metadata("/proc/self").map_or(0, |process| process.uid());
    let directory = std::env::temp_dir().join(format!("ktrlplane-test-ports-{user}"));
    std::fs::create_dir_all(&directory).expect("a directory can be made for temporary files");
    let count = u32::from(PORTS.end - PORTS.start);
    // Each process begins elsewhere, so that few are asked for twice.
    let first = std::process::id().wrapping_mul(7919) % count;
    for step in 0..count {
        let offset = u16::try_from((first + step) % count).expect("it is less than the count");
        let port = PORTS.start + offset;
        let Ok(file) = File::create(directory.join(port.to_string())) else {
            continue;
        };
        if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            HELD.lock().expect("no test panics here").push(file);
            return port;
        }
    }
    panic!("loopback has no free port");
}

/// Where `program` is on the path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Where Debian has what only administrators are thought to run.
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Says that a counterpart is not here, so that the test cannot say anything; in CI that fails.
pub(crate) fn missing(what: &str) {
    let sentence = format!("not tested: {what} is not installed; `make test` installs it");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{sentence}");
    println!("{sentence}");
}
