//! The beginning of a connection over TLS.

use std::io;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::socket::Socket;

/// What every record of a handshake begins with, and no request in the clear.
const HANDSHAKE: u8 = 22;

/// What somebody is told who does not speak TLS.
pub(super) const IN_THE_CLEAR: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
content-type: application/json\r\ncache-control: no-store\r\n\
connection: close\r\ncontent-length: 91\r\n\r\n\
{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"TLS is spoken here: the URL needs https\"}";

/// Why there is no connection over TLS.
pub(super) enum Unmade {
    /// Nothing came.
    Gone,
    /// What came is no TLS.
    InTheClear(TcpStream),
    /// The two did not agree, which was said.
    Refused(io::Error, TcpStream),
}

/// Agrees with the caller on how to speak. How long that may take is up to whoever waits for it.
pub(super) async fn shake_hands(stream: TcpStream, with: TlsAcceptor) -> Result<Socket, Unmade> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1..) if first == [HANDSHAKE] => {}
        Ok(1..) => return Err(Unmade::InTheClear(stream)),
        Ok(0) | Err(_) => return Err(Unmade::Gone),
    }
    match with.accept(stream).into_fallible().await {
        Ok(stream) => Ok(Socket::Tls(Box::new(stream))),
        Err((error, stream)) => Err(Unmade::Refused(error, stream)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_in_the_clear_is_as_long_as_it_says() {
        let text = std::str::from_utf8(IN_THE_CLEAR).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = format!("content-length: {}", body.len());
        assert!(head.contains(&length), "{length}");
    }
}
