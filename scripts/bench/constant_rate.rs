//! Sends requests at a constant rate, and says how long the answers took.
//!
//! `constant_rate PORT PATH TOKEN RATE CONNECTIONS SECONDS`
//!
//! Each connection has a thread and a time at which its next request is due; its answer's time counts
//! from then, also where the one before was late, so that a server that stalls cannot hide it. The
//! standard library alone, so that it is compiled in seconds and holds nothing of what it measures.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, path, token, rate, connections, seconds] = arguments.as_slice() else {
        return Err("expected PORT PATH TOKEN RATE CONNECTIONS SECONDS".into());
    };
    let (rate, connections): (f64, u32) = (rate.parse()?, connections.parse()?);
    let seconds: f64 = seconds.parse()?;
    let address = format!("127.0.0.1:{port}");
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n");
    let pause = Duration::from_secs_f64(f64::from(connections) / rate);
    let start = Instant::now() + Duration::from_millis(500);
    let end = start + Duration::from_secs_f64(seconds);
    let threads: Vec<_> = (0..connections)
        .map(|index| {
            let (address, request) = (address.clone(), request.clone());
            // Spread over the pause, so that they are not due at the same time.
            let first = start + pause * index / connections;
            thread::spawn(move || drive(&address, request.as_bytes(), first, pause, end))
        })
        .collect();
    let mut took = Vec::new();
    for thread in threads {
        took.extend(thread.join().map_err(|_| "a thread has panicked")??);
    }
    took.sort_unstable();
    let percentile = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
    println!("rate={} p50={} p99={}", took.len() as f64 / seconds, percentile(50), percentile(99));
    Ok(())
}

/// The times of one connection's answers, in microseconds.
fn drive(
    address: &str,
    request: &[u8],
    first: Instant,
    pause: Duration,
    end: Instant,
) -> Outcome<Vec<u64>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut buffer, mut took, mut due) = (vec![0; 64 << 10], Vec::new(), first);
    while due < end {
        let mut from = due;
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            thread::sleep(wait);
            // Waking up late is the system's doing, and not the server's.
            from = Instant::now();
        }
        stream.write_all(request)?;
        answer(&mut stream, &mut buffer)?;
        took.push(u64::try_from(from.elapsed().as_micros())?);
        due += pause;
    }
    Ok(took)
}

/// Reads one answer, whose length is in its head.
fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Outcome<()> {
    let mut held = 0;
    loop {
        let room = buffer.get_mut(held..).filter(|room| !room.is_empty());
        let read = stream.read(room.ok_or("the answer is too long")?)?;
        if read == 0 {
            return Err("the connection was closed".into());
        }
        held += read;
        let head = buffer.get(..held).unwrap_or_default();
        let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(head.get(..at).unwrap_or_default())?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(head.to_owned().into());
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        if held >= at + 4 + length.ok_or("an answer without a length")?? {
            return Ok(());
        }
    }
}
