//! The process under faults: asked to end, killed, out of file descriptors, with a backend that moves.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::harness::{PATIENCE, Running, binary, demo, serve, serve_by, token};

const LOGS: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs";

/// A Loki that answers every request with its name, in two halves with a pause between them.
struct Slow {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Slow {
    fn start(listener: TcpListener, name: &'static str, pause: Duration) -> Self {
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopped);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let told = Arc::clone(&told);
                thread::spawn(move || answer(stream, name, pause, &told));
            }
        });
        Self { address, stopped }
    }

    /// Nobody listens there any more, and connections end with their next request.
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers until somebody goes; what cannot be written is the caller's to notice.
fn answer(mut stream: TcpStream, name: &str, pause: Duration, stopped: &AtomicBool) -> Option<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let (left, right) = name.split_at(name.len() / 2);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", name.len());
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(chunk.get(..read)?);
        if stopped.load(Ordering::SeqCst) {
            return None;
        }
        if bytes.ends_with(b"\r\n\r\n") {
            bytes.clear();
            stream.write_all(format!("{head}{left}").as_bytes()).ok()?;
            thread::sleep(pause);
            stream.write_all(right.as_bytes()).ok()?;
        }
    }
}

fn anywhere() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// The variables of a gateway with the demo's issuer and directory, and this Loki.
fn variables(dir: &Path, demo: &Value, loki: &str) -> Vec<(&'static str, String)> {
    let directory = dir.join("data/directory.sqlite");
    let directory = format!("sqlite:{}", directory.display());
    vec![
        (
            "KTRLPLANE_AUTH_ISSUER",
            demo["issuer"].as_str().unwrap().to_owned(),
        ),
        ("KTRLPLANE_AUTH_AUDIENCE", "ktrlplane-demo".to_owned()),
        ("KTRLPLANE_DATABASE_URL", directory),
        ("KTRLPLANE_OBSERVABILITY_LOKI_ENABLED", "true".to_owned()),
        ("KTRLPLANE_OBSERVABILITY_LOKI_URL", loki.to_owned()),
    ]
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    let borrow = |(name, value): &'a (&'static str, String)| (*name, value.as_str());
    variables.iter().map(borrow).collect()
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// What became of a request.
enum Outcome {
    /// The head, and all of the body.
    Whole(String, String),
    /// A part of an answer, and then the end.
    Cut(String),
    /// Nothing at all.
    Nothing,
}

/// Asks on a connection that stays.
fn ask(stream: &mut TcpStream, token: &str) -> Outcome {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("GET {LOGS} HTTP/1.1\r\nhost: a\r\n");
    write!(request, "authorization: Bearer {token}\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    // That it cannot be written shows when there is nothing to read.
    let _ = stream.write_all(request.as_bytes());
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let length = lines.find_map(|line| line.strip_prefix("content-length: "));
            if length.unwrap().parse::<usize>().unwrap() == body.len() {
                return Outcome::Whole(head.to_owned(), body.to_owned());
            }
        }
        match stream.read(&mut chunk) {
            Ok(read @ 1..) => bytes.extend_from_slice(&chunk[..read]),
            Ok(_) | Err(_) if bytes.is_empty() => return Outcome::Nothing,
            Ok(_) | Err(_) => return Outcome::Cut(text),
        }
    }
}

/// Asks on a connection of its own; the status, where there is a whole answer, and the body.
fn once(at: SocketAddr, token: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(at).ok()?;
    match ask(&mut stream, token) {
        Outcome::Whole(head, body) => Some((head.get(9..12)?.to_owned(), body)),
        Outcome::Cut(_) | Outcome::Nothing => None,
    }
}

/// Asks until this is the body of a 200.
#[track_caller]
fn until_it_says(at: SocketAddr, token: &str, name: &str) {
    let begin = Instant::now();
    loop {
        let answer = once(at, token);
        if answer
            .as_ref()
            .is_some_and(|(status, body)| status == "200" && body == name)
        {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{answer:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_stop_under_load_cuts_no_answer() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let slow = Slow::start(anywhere(), "all of it", Duration::from_millis(150));
    let variables = variables(dir.path(), &told, &format!("http://{}", slow.address));
    let (gateway, url) = serve(dir.path(), &borrowed(&variables));
    let (at, victor) = (address(&url), token(&told, "victor").to_owned());
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let victor = victor.clone();
            thread::spawn(move || {
                let mut whole = 0;
                // Until nobody listens any more.
                while let Ok(mut stream) = TcpStream::connect(at) {
                    let mut used = false;
                    loop {
                        match ask(&mut stream, &victor) {
                            Outcome::Whole(head, body) => {
                                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                                assert_eq!(body, "all of it");
                                whole += 1;
                                used = true;
                                if head.contains("connection: close") {
                                    break;
                                }
                            }
                            // It was made while the listener closed, and never accepted.
                            Outcome::Nothing if !used => break,
                            Outcome::Cut(part) => panic!("after {whole} answers: {part}"),
                            Outcome::Nothing => panic!("after {whole} answers: none"),
                        }
                    }
                }
                whole
            })
        })
        .collect();
    thread::sleep(Duration::from_secs(1));
    assert!(gateway.terminate(), "it ends as it was asked to");
    let answers = callers.into_iter().map(|caller| caller.join().unwrap());
    assert!(answers.min().unwrap() > 0, "every caller had answers");
}

#[test]
fn an_answer_that_a_kill_cuts_shows_it_and_the_next_process_answers() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let slow = Slow::start(anywhere(), "all of it", Duration::from_secs(3));
    let mut variables = variables(dir.path(), &told, &format!("http://{}", slow.address));
    let (gateway, url) = serve(dir.path(), &borrowed(&variables));
    let (at, victor) = (address(&url), token(&told, "victor").to_owned());
    let asked = victor.clone();
    let (head, came) = std::sync::mpsc::channel();
    let caller = thread::spawn(move || {
        let mut stream = TcpStream::connect(at).unwrap();
        let request =
            format!("GET {LOGS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {asked}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut first = [0; 16];
        stream.read_exact(&mut first).unwrap();
        head.send(()).unwrap();
        let mut rest = Vec::new();
        // A reset or an early end: both tell that the length was not reached.
        let _ = stream.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    });
    came.recv_timeout(PATIENCE).unwrap();
    // Killed.
    drop(gateway);
    let rest = caller.join().unwrap();
    assert!(
        rest.contains("content-length: 9\r\n") && !rest.ends_with("all of it"),
        "{rest}"
    );
    let port = at.port().to_string();
    variables.push(("KTRLPLANE_SERVER_PORT", port));
    let (_gateway, url) = serve(dir.path(), &borrowed(&variables));
    until_it_says(address(&url), &victor, "all of it");
}

/// The binary, with so many file descriptors.
fn limited(files: u32) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")]);
    command.arg(binary());
    command
}

fn files(gateway: &Running) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", gateway.id()))
        .unwrap()
        .count()
}

#[test]
fn connections_that_say_nothing_do_not_take_the_last_file() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let slow = Slow::start(anywhere(), "all of it", Duration::ZERO);
    let variables = variables(dir.path(), &told, &format!("http://{}", slow.address));
    // By its own ceiling, and without one that would help.
    for most in ["", "5000"] {
        let mut variables = variables.clone();
        variables.push(("KTRLPLANE_SERVER_MAX_CONNECTIONS", most.to_owned()));
        let (gateway, url) = serve_by(limited(100), dir.path(), &borrowed(&variables));
        let (at, victor) = (address(&url), token(&told, "victor"));
        until_it_says(at, victor, "all of it");
        let silent: Vec<_> = (0..400).map(|_| TcpStream::connect(at).unwrap()).collect();
        for _ in 0..20 {
            until_it_says(at, victor, "all of it");
        }
        assert!(files(&gateway) <= 100);
        drop(silent);
        let begin = Instant::now();
        while files(&gateway) > 60 {
            assert!(begin.elapsed() < PATIENCE, "{} files", files(&gateway));
            thread::sleep(Duration::from_millis(50));
        }
        assert!(gateway.terminate());
    }
}

/// The binary in a mount namespace of its own, in which `hosts` is what names are resolved by; `None`
/// where that is not permitted.
fn with_hosts(hosts: &Path) -> Option<Command> {
    let script = format!(
        "mount --bind {} /etc/hosts && exec \"$0\" \"$@\"",
        hosts.display()
    );
    let unshared = |program: &Path| {
        let mut command = Command::new("unshare");
        command.args(["-m", "/bin/sh", "-c", &script]).arg(program);
        command
    };
    let tried = unshared(Path::new("/bin/true")).output();
    tried
        .is_ok_and(|tried| tried.status.success())
        .then(|| unshared(Path::new(binary())))
}

#[test]
fn a_backend_whose_name_moves_is_found_where_it_is_now() {
    let dir = tempdir().unwrap();
    let hosts = dir.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost logs.test\n").unwrap();
    let Some(command) = with_hosts(&hosts) else {
        eprintln!("skipped: this user may not mount anything");
        return;
    };
    let (_demo, told) = demo(dir.path());
    let first = Slow::start(anywhere(), "the first", Duration::ZERO);
    let port = first.address.port();
    let url = format!("http://logs.test:{port}");
    let variables = variables(dir.path(), &told, &url);
    let (_gateway, url) = serve_by(command, dir.path(), &borrowed(&variables));
    let (at, victor) = (address(&url), token(&told, "victor"));
    until_it_says(at, victor, "the first");
    let second = TcpListener::bind(("127.0.0.2", port)).unwrap();
    let _second = Slow::start(second, "the second", Duration::ZERO);
    std::fs::write(&hosts, "127.0.0.1 localhost\n127.0.0.2 logs.test\n").unwrap();
    first.stop();
    until_it_says(at, victor, "the second");
}

/// A Loki that answers, or after a while breaks off instead.
fn breaking(breaks: &Arc<AtomicBool>) -> SocketAddr {
    let listener = anywhere();
    let address = listener.local_addr().unwrap();
    let breaks = Arc::clone(breaks);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let breaks = Arc::clone(&breaks);
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(1..) = stream.read(&mut chunk) {
                    if breaks.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(300));
                        return;
                    }
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                    stream.write_all(answer).unwrap();
                }
            });
        }
    });
    address
}

/// How many files a process may open from now on; how many it might before.
fn files_at_most(gateway: &Running, most: Option<u64>) -> Option<u64> {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let pid = Pid::from_raw(i32::try_from(gateway.id()).unwrap());
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most,
        maximum,
    };
    prlimit(pid, Resource::Nofile, limit).unwrap().current
}

/// The status and the body of the health, on a connection that stays.
fn health(stream: &mut TcpStream) -> String {
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    let mut bytes = vec![0; 4096];
    let read = stream.read(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    format!("{} {body}", &head[9..12])
}

#[test]
fn a_gateway_without_files_does_not_take_its_backend_for_dead() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let breaks = Arc::new(AtomicBool::new(false));
    let variables = variables(dir.path(), &told, &format!("http://{}", breaking(&breaks)));
    let (gateway, url) = serve(dir.path(), &borrowed(&variables));
    let (at, victor) = (address(&url), token(&told, "victor"));
    until_it_says(at, victor, "{}");
    let mut stream = TcpStream::connect(at).unwrap();
    let status = |stream: &mut TcpStream| match ask(stream, victor) {
        Outcome::Whole(head, _) => head[9..12].to_owned(),
        Outcome::Cut(_) | Outcome::Nothing => "none".to_owned(),
    };
    assert_eq!(status(&mut stream), "200");
    let all_up = r#"200 {"status":"UP"}"#;
    assert_eq!(health(&mut stream), all_up);
    // From here on it can open nothing, and has a reason to ask whether the backend is there.
    let before = files_at_most(&gateway, Some(3));
    breaks.store(true, Ordering::SeqCst);
    assert_eq!(status(&mut stream), "502");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        assert_eq!(health(&mut stream), all_up);
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(status(&mut stream), "503");
    breaks.store(false, Ordering::SeqCst);
    files_at_most(&gateway, before);
    assert_eq!(status(&mut stream), "200");
}
