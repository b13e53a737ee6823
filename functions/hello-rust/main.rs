//! Greets whoever is named: `?name=Ada`, or the body of the request, or the world.
//!
//! A plain program. Query parameters are environment variables, the body is stdin, stdout is the answer.

use std::io::Read;

fn main() {
    let name = std::env::var("name").unwrap_or_else(|_| read_body());
    match name.trim() {
        "" => println!("Hello, world"),
        name => println!("Hello, {name}"),
    }
}

/// What came with the request; nothing when it is not text.
fn read_body() -> String {
    let mut body = String::new();
    std::io::stdin().read_to_string(&mut body).map_or_else(|_| String::new(), |_| body)
}
