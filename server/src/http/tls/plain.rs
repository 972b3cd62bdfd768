//! Plain HTTP on a port that speaks TLS: told apart by its first byte, and answered in words.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is read of a plain request, at most, before the connection is closed.
const DISCARDED_BYTES_MAX: u64 = 64 * 1024;

const WORDS: &str = "this port speaks TLS; use https://\n";

/// Answers 400 when the client speaks plain HTTP, and gives the stream back when it does not.
///
/// # Errors
/// When the connection ends before the first byte.
pub async fn refuse(mut stream: TcpStream) -> std::io::Result<Option<TcpStream>> {
    let mut first = [0];
    let came = stream.peek(&mut first).await?;
    // A TLS handshake begins with byte 22; every method of HTTP, and HTTP/2's preface, with a capital letter.
    if came == 1 && !first[0].is_ascii_uppercase() {
        return Ok(Some(stream));
    }
    if came == 1 {
        let length = WORDS.len();
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(format!("{head}{WORDS}").as_bytes()).await?;
        stream.shutdown().await?;
        // Closing with bytes unread would reset the connection, and the client would lose the answer.
        tokio::io::copy(&mut stream.take(DISCARDED_BYTES_MAX), &mut tokio::io::sink()).await?;
    }
    Ok(None)
}
