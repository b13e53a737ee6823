//! Draws an academic meme as PNG.
//!
//!     GET /?template=two-doors&text=The+deadline&text=A+short+nap&text=I+will+be+quick     a text for each zone
//!     GET /?template=proof-gap&top=One+does+not+simply&bottom=leave+it+to+the+reader       white letters above and below
//!
//! Both may be had at once. `width` is from 100 to 1600 pixels, 1200 unless given; the height is three quarters of it. The
//! drawings are those of Academemes. A CGI program on the standard library alone: tables/make.js packs drawings and letters.

mod deflate;
mod lettering;
mod outline;
mod png;
mod query;
mod raster;
mod tables;

use std::io::Write;

use lettering::{write_banner, write_zone, Side};
use outline::Placing;
use query::Wish;
use raster::Picture;
use tables::{find_plate, open_font, plate_ids, Plate, PLATE_HEIGHT, PLATE_WIDTH};

/// The same wish gives the same picture; a new drawing is rare.
const CACHE: &str = "Cache-Control: public, max-age=604800, stale-while-revalidate=86400\r\n";

fn main() {
    let answered = match answer() {
        Ok((content_type, body)) => respond("200 OK", content_type, CACHE, &body),
        Err((status, reason)) => respond(status, "text/plain; charset=utf-8", "", format!("{reason}\n").as_bytes()),
    };
    if answered.is_err() {
        std::process::exit(1);
    }
}

type Refusal = (&'static str, String);

fn answer() -> Result<(&'static str, Vec<u8>), Refusal> {
    if !matches!(variable("REQUEST_METHOD").as_str(), "GET" | "HEAD") {
        return Err(("405 Method Not Allowed", "Use GET".into()));
    }
    let bad = |reason: String| ("400 Bad Request", reason);
    let query = variable("QUERY_STRING");
    if query.is_empty() {
        return Ok(("text/plain; charset=utf-8", usage().into_bytes()));
    }
    let wish = Wish::parse(&query).map_err(bad)?;
    let plate = find_plate(&wish.template)
        .ok_or_else(|| bad(format!("There is no template \"{}\"; there are {}", wish.template, plate_ids().join(", "))))?;
    let picture = draw(&plate, &wish).map_err(bad)?;
    Ok(("image/png", png::encode(&picture)))
}

fn draw(plate: &Plate, wish: &Wish) -> Result<Picture, String> {
    if wish.texts.len() > plate.zones.len() {
        return Err(format!("The template \"{}\" has room for {} texts", plate.id, plate.zones.len()));
    }
    let scale = wish.width as f32 / PLATE_WIDTH;
    let mut picture = Picture::new(wish.width, (PLATE_HEIGHT * scale).round() as usize);
    paint_plate(&mut picture, plate, scale);
    let too_long = |text: &str| format!("The text \"{}…\" is too long for its place", text.chars().take(20).collect::<String>());
    if !wish.texts.is_empty() {
        let serif = open_font(0);
        for (zone, text) in plate.zones.iter().zip(&wish.texts) {
            write_zone(&mut picture, scale, &serif, zone, text).map_err(|_| too_long(text))?;
        }
    }
    if !(wish.top.is_empty() && wish.bottom.is_empty()) {
        let sans = open_font(1);
        for (side, text) in [(Side::Top, &wish.top), (Side::Bottom, &wish.bottom)] {
            write_banner(&mut picture, scale, &sans, side, text).map_err(|_| too_long(text))?;
        }
    }
    Ok(picture)
}

fn paint_plate(picture: &mut Picture, plate: &Plate, scale: f32) {
    let placing = Placing { scale, x: 0.0, y: 0.0 };
    let mut edges = Vec::new();
    for shape in &plate.shapes {
        if let Some(colour) = shape.fill {
            edges.clear();
            shape.outline.fill(placing, &mut edges);
            picture.paint(&edges, colour, shape.opacity);
        }
        if let Some(colour) = shape.stroke {
            edges.clear();
            shape.outline.stroke(placing, shape.stroke_width * scale, &mut edges);
            picture.paint(&edges, colour, shape.opacity);
        }
    }
}

fn usage() -> String {
    let mut text = String::from("A meme as PNG: ?template=…&text=…&text=…&top=…&bottom=…&width=1200\n\nTemplates, and how many texts they take:\n");
    for id in plate_ids() {
        let zones = find_plate(id).map_or(0, |plate| plate.zones.len());
        text.push_str(&format!("  {id}  {zones}\n"));
    }
    text
}

fn respond(status: &str, content_type: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "Status: {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{headers}\r\n", body.len())?;
    stdout.flush()?;
    stdout.write_all(body)?;
    stdout.flush()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
