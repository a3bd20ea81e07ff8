//! Starting the binary, and asking it over HTTP.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// No parameters.
pub(crate) const NOTHING: &[(&str, &str)] = &[];

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Where the binary is.
pub(crate) const fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_ktrlplane")
}

/// The binary in `dir`, with nothing of the surrounding environment.
pub(crate) fn ktrlplane(dir: &Path) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(dir).env_clear();
    command
}

/// Runs to the end, with `input` on standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A process that is ended with the test.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn new(child: Child) -> Self {
        Self { child }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits; how it ended.
    pub(crate) fn terminate(mut self) -> bool {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is what an error means.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A demo in `dir`, and what its `demo.json` says.
pub(crate) fn demo(dir: &Path) -> (Running, Value) {
    demo_that_prints(dir, Stdio::null())
}

/// A demo in `dir` that prints to `stdout`, and what its `demo.json` says.
pub(crate) fn demo_that_prints(dir: &Path, stdout: impl Into<Stdio>) -> (Running, Value) {
    let mut command = ktrlplane(dir);
    command.args(["demo", "--listen", "localhost:0", "--data-dir", "data"]);
    command.stdout(stdout).stderr(Stdio::null());
    let file = dir.join("data/demo.json");
    let _ = std::fs::remove_file(&file);
    let mut running = Running {
        child: command.spawn().unwrap(),
    };
    let begin = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(&file) {
            return (running, serde_json::from_str(&text).unwrap());
        }
        assert_eq!(
            running.child.try_wait().unwrap(),
            None,
            "the demo has ended"
        );
        assert!(begin.elapsed() < PATIENCE, "the demo does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A gateway in `dir`, configured by these variables, and its URL.
pub(crate) fn serve(dir: &Path, variables: &[(&str, &str)]) -> (Running, String) {
    serve_by(Command::new(binary()), dir, variables)
}

/// The same by this command, which starts the binary with the arguments that follow. Unless a variable
/// says otherwise, on any free port.
pub(crate) fn serve_by(
    mut command: Command,
    dir: &Path,
    variables: &[(&str, &str)],
) -> (Running, String) {
    command.current_dir(dir).env_clear();
    command.env("KTRLPLANE_SERVER_HOST", "127.0.0.1");
    command.env("KTRLPLANE_SERVER_PORT", "0");
    command.arg("serve").envs(variables.iter().copied());
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let running = Running { child };
    let mut lines = String::new();
    while log.read_line(&mut lines).unwrap() > 0 {
        if let Some((_, rest)) = lines.split_once("listening address=") {
            let address = rest.split_whitespace().next().unwrap();
            let url = format!("http://{address}");
            // Whoever writes to a closed pipe fails: somebody goes on reading.
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return (running, url);
        }
    }
    panic!("the gateway has ended: {lines}");
}

/// The token of a user of the demo.
pub(crate) fn token<'a>(demo: &'a Value, user: &str) -> &'a str {
    demo["users"][user]["token"].as_str().unwrap()
}

/// The parameters of a query for the last hour, in steps of a minute.
pub(crate) fn last_hour(query: &str) -> Vec<(&'static str, String)> {
    let end = jiff::Timestamp::now().as_second();
    vec![
        ("query", query.to_owned()),
        ("start", (end - 3600).to_string()),
        ("end", end.to_string()),
        ("step", "60s".to_owned()),
    ]
}

/// A GET with these parameters; the status, and the body as JSON.
pub(crate) fn get(
    url: &str,
    path: &str,
    token: Option<&str>,
    parameters: &[(&str, impl AsRef<str>)],
) -> (u16, Value) {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(
            parameters
                .iter()
                .map(|(name, value)| (name, value.as_ref())),
        )
        .finish();
    let path = format!("{path}?{query}");
    let request = Request {
        method: "GET",
        path: &path,
        token,
        form: "",
        headers: &[],
    };
    ask(url, &request)
}

/// A request to a gateway.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// With the query string.
    pub(crate) path: &'a str,
    pub(crate) token: Option<&'a str>,
    /// The body, sent as a form.
    pub(crate) form: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
}

/// Asks; the status, and the body as JSON.
pub(crate) fn ask(url: &str, request: &Request) -> (u16, Value) {
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut built = hyper::Request::builder()
        .method(request.method)
        .uri(request.path)
        .header("host", "gateway");
    if let Some(token) = request.token {
        built = built.header("authorization", format!("Bearer {token}"));
    }
    if request.method == "POST" {
        built = built.header("content-type", "application/x-www-form-urlencoded");
    }
    for (name, value) in request.headers {
        built = built.header(*name, *value);
    }
    let body = Bytes::copy_from_slice(request.form.as_bytes());
    exchange(address, built.body(Full::new(body)).unwrap())
}

/// Sends a body; the status, and the answer's body as JSON.
pub(crate) fn post(
    url: &str,
    path: &str,
    token: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, Value) {
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut built = hyper::Request::post(path)
        .header("host", "gateway")
        .header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        built = built.header(*name, *value);
    }
    exchange(address, built.body(Full::new(body.into())).unwrap())
}

fn exchange(address: SocketAddr, request: hyper::Request<Full<Bytes>>) -> (u16, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        (
            status,
            serde_json::from_slice(&body).unwrap_or_else(|_| text()),
        )
    };
    runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await.unwrap() })
}
