//! A PostgreSQL server for tests: a private one in a temporary directory, or an existing one.
//!
//! Other crates' tests may take this file in with `#[path]`; it needs `sqlx`, `tempfile`, `tokio`
//! and `uuid`.
//!
//! - `KTRLPLANE_TEST_POSTGRES_URL` names an existing server, as a user who may create databases.
//! - Otherwise a private server is started on a Unix socket, as an unprivileged user where the
//!   tests run as root, and shared by the tests of one process. It stops when the last of them
//!   ends, also by a panic, and also when the process is killed.
//!   What `initdb` makes is kept in the build's directory and copied from there: it takes seconds, and
//!   every test runs in a process of its own.
//! - Where PostgreSQL is not installed, [`database`] says so and returns `None`; with `CI=true` it
//!   fails instead.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "support for tests, of which not every one uses all"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// The password of the private server's superuser. It needs to be in none of the output.
pub const PASSWORD: &str = "se%cret-hunter2";
pub const ENCODED_PASSWORD: &str = "se%25cret-hunter2";

/// An empty database of its own, gone when dropped.
pub struct Database {
    /// Its URL.
    pub url: String,
    name: String,
    server: String,
    cluster: Option<Arc<Cluster>>,
}

/// The private server, for as long as a test holds it.
static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

/// A database on the server of this process, or `None` where there is no PostgreSQL.
pub fn database() -> Option<Database> {
    if let Ok(server) = std::env::var("KTRLPLANE_TEST_POSTGRES_URL") {
        return Some(Database::create(&server, None));
    }
    let binaries = binaries()?;
    let cluster = {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let cluster = Arc::new(Cluster::start(&binaries));
            *shared = Arc::downgrade(&cluster);
            cluster
        })
    };
    Some(Database::create(&cluster.url("postgres"), Some(&cluster)))
}

/// A server that the test may stop and start, whatever the environment names.
pub fn cluster() -> Option<Cluster> {
    binaries().map(|binaries| Cluster::start(&binaries))
}

impl Database {
    fn create(server: &str, cluster: Option<&Arc<Cluster>>) -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        execute(server, format!("CREATE DATABASE {name}"));
        Self {
            url: with_database(server, &name),
            name,
            server: server.to_owned(),
            cluster: cluster.cloned(),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A private server goes as a whole.
        if self.cluster.is_none() {
            execute(
                &self.server,
                format!("DROP DATABASE {} WITH (FORCE)", self.name),
            );
        }
    }
}

/// A private server.
pub struct Cluster {
    binaries: PathBuf,
    home: TempDir,
    user: Option<(u32, u32)>,
    keeper: Option<Child>,
}

impl Cluster {
    fn start(binaries: &Path) -> Self {
        let home = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        let mut cluster = Self {
            binaries: binaries.to_owned(),
            home,
            user: unprivileged(),
            keeper: None,
        };
        let password_file = cluster.home.path().join("password");
        fs::write(&password_file, PASSWORD).unwrap();
        if let Some((uid, gid)) = cluster.user {
            chown(&password_file, Some(uid), Some(gid)).unwrap();
            chown(cluster.home.path(), Some(uid), Some(gid)).unwrap();
        }
        fs::set_permissions(cluster.home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        cluster.make_data(&password_file);
        cluster.resume();
        cluster
    }

    /// Makes the data directory: a copy of what an earlier test has made, or a new one.
    fn make_data(&self, password_file: &Path) {
        let data = self.home.path().join("data");
        let Some(template) = self.template() else {
            self.initdb(&data, password_file);
            return;
        };
        if template.exists() {
            copy(&template, &data, self.user);
            return;
        }
        self.initdb(&data, password_file);
        // Others may make one at the same time: one of them gets the name.
        let mine = template.with_extension(Uuid::now_v7().simple().to_string());
        copy(&data, &mine, None);
        if fs::rename(&mine, &template).is_err() {
            fs::remove_dir_all(&mine).unwrap();
        }
    }

    fn initdb(&self, data: &Path, password_file: &Path) {
        let made = self
            .command(&self.binaries.join("initdb"))
            .args(["--username=ktrlplane", "--auth=scram-sha-256", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C", "--no-instructions"])
            .arg(format!("--pwfile={}", password_file.display()))
            .arg(data)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {said}");
    }

    /// Where the copy is kept that belongs to these programs: beside the tests, which are in `deps`.
    fn template(&self) -> Option<PathBuf> {
        let tests = std::env::current_exe().ok()?;
        let build = tests.ancestors().find(|place| place.ends_with("deps"))?;
        let programs = self.binaries.display().to_string().replace('/', "-");
        Some(build.with_file_name(format!("postgres{programs}")))
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        let socket = self.home.path().display().to_string();
        let socket = socket.replace('%', "%25").replace('/', "%2F");
        format!("postgres://ktrlplane:{ENCODED_PASSWORD}@{socket}/{database}")
    }

    /// The socket that it listens on.
    pub fn socket(&self) -> PathBuf {
        self.home.path().join(".s.PGSQL.5432")
    }

    /// Starts the server, and waits until it answers.
    pub fn resume(&mut self) {
        // The shell keeps the server for as long as its input is open, so that the server also goes
        // when this process is killed and cannot clean up.
        let keeper = self
            .command(Path::new("/bin/sh"))
            .arg("-c")
            .arg("\"$@\" & server=$!; read -r _; kill -INT $server; wait $server")
            .arg("sh")
            .arg(self.binaries.join("postgres"))
            .arg("-D")
            .arg(self.home.path().join("data"))
            .arg("-k")
            .arg(self.home.path())
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=200",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.home.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.is_ready() {
            let log = || fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "no PostgreSQL: {}", log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server, cutting off its clients.
    pub fn pause(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }

    fn is_ready(&self) -> bool {
        let mut command = Command::new(self.binaries.join("pg_isready"));
        command.arg("-q").arg("-h").arg(self.home.path());
        command.status().is_ok_and(|status| status.success())
    }

    /// A command as the unprivileged user, in a directory which that user can enter.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.pause();
    }
}

/// Copies a directory and all in it, for `user`.
fn copy(from: &Path, to: &Path, user: Option<(u32, u32)>) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target, user);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            if let Some((uid, gid)) = user {
                chown(&target, Some(uid), Some(gid)).unwrap();
            }
        }
    }
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    if let Some((uid, gid)) = user {
        chown(to, Some(uid), Some(gid)).unwrap();
    }
}

/// Runs one statement, from whatever thread and runtime.
fn execute(url: &str, statement: String) {
    let url = url.to_owned();
    let ran = thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    ran.join().expect("the statement succeeds");
}

fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = match server.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let (scheme, rest) = address.split_once("://").expect("a URL");
    let host = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}/{name}{parameters}")
}

/// Whom to run the server as: it refuses to run as root.
fn unprivileged() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let ids = ids("postgres").or_else(|| ids("nobody"));
    Some(ids.expect("a user to run PostgreSQL as"))
}

/// The directory of PostgreSQL's programs: on the path, or where Debian keeps them.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let versions = versions.flatten().map(|version| version.path().join("bin"));
        let mut versions: Vec<PathBuf> = versions.collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    // A program on the path may be a link that stands there without its siblings.
    let found = places.into_iter().find_map(|place| {
        let server = fs::canonicalize(place.join("postgres")).ok()?;
        let home = server.parent()?.to_owned();
        let complete = ["initdb", "pg_isready"]
            .iter()
            .all(|name| home.join(name).exists());
        complete.then_some(home)
    });
    if found.is_none() {
        let why = "PostgreSQL is not installed and KTRLPLANE_TEST_POSTGRES_URL is not set";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        eprintln!("SKIPPED: {why}");
    }
    found
}
