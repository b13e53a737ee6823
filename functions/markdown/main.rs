//! Markdown to HTML: POST a text, or ask for `?input=…`, and get a fragment back. What is HTML in the text is escaped.
//!
//! A CGI program, because HTML wants its content type. The conversion itself is markdown.rs, which knows nothing of it.

mod inline;
mod markdown;

use std::io::{Read, Write};

const MAX_BYTES: usize = 1 << 20;

const USAGE: &str = "# Markdown\n\nSend a text with **POST**, or ask for `?input=*so*`.\n\n\
    - headings, paragraphs, lists, quotes, code, rules\n- *emphasis*, **strength**, `code`, links and pictures\n";

fn main() {
    let answer = match read_text() {
        Ok(text) => respond("200 OK", "text/html", &markdown::to_html(&text)),
        Err(Refusal { status, reason }) => respond(status, "text/plain", &format!("{reason}\n")),
    };
    if answer.is_err() {
        std::process::exit(1);
    }
}

struct Refusal {
    status: &'static str,
    reason: &'static str,
}

fn read_text() -> Result<String, Refusal> {
    let bytes = match variable("REQUEST_METHOD").as_str() {
        "POST" => read_body()?,
        "GET" | "HEAD" => find_input(&variable("QUERY_STRING")).unwrap_or_else(|| USAGE.into()),
        _ => return Err(Refusal { status: "405 Method Not Allowed", reason: "Use GET or POST" }),
    };
    String::from_utf8(bytes).map_err(|_| Refusal { status: "400 Bad Request", reason: "The text is not UTF-8" })
}

/// The body may come without its length, in chunks: then it ends where it ends.
fn read_body() -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    let read = std::io::stdin().take(MAX_BYTES as u64 + 1).read_to_end(&mut body);
    match read {
        Ok(length) if length <= MAX_BYTES => Ok(body),
        Ok(_) => Err(Refusal { status: "413 Content Too Large", reason: "The text is longer than 1 MiB" }),
        Err(_) => Err(Refusal { status: "400 Bad Request", reason: "The body did not arrive" }),
    }
}

/// The parameter `input` of a query string, decoded.
fn find_input(query: &str) -> Option<Vec<u8>> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("input="))?;
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    Some(decoded)
}

fn respond(status: &str, content_type: &str, body: &str) -> std::io::Result<()> {
    let head = format!("Status: {status}\r\nContent-Type: {content_type}; charset=utf-8\r\n\r\n");
    let mut stdout = std::io::stdout();
    stdout.write_all(head.as_bytes())?;
    stdout.write_all(body.as_bytes())
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
