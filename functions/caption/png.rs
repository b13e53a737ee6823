//! PNG with a palette of up to 256 colours, which is what flat drawings need.
//!
//! The colours of soft borders are many, but each is rare: those that find no place in the palette become the most similar one.
//!
//! https://www.w3.org/TR/png-3/

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::deflate::compress;
use crate::raster::Picture;

const MAX_COLOURS: usize = 256;

pub fn encode(picture: &Picture) -> Vec<u8> {
    let (palette, data) = to_indexed(picture);
    let mut head = Vec::new();
    head.extend((picture.width as u32).to_be_bytes());
    head.extend((picture.height as u32).to_be_bytes());
    head.extend([8, 3, 0, 0, 0]);
    let colours: Vec<u8> = palette.iter().flat_map(|colour| colour.to_be_bytes()[1..].to_vec()).collect();

    let table = crc_table();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", head), (b"PLTE", colours), (b"IDAT", compress(&data)), (b"IEND", Vec::new())] {
        png.extend((data.len() as u32).to_be_bytes());
        let start = png.len();
        png.extend(name);
        png.extend(data);
        let crc = !png[start..].iter().fold(!0u32, |crc, byte| table[(crc as u8 ^ byte) as usize] ^ crc >> 8);
        png.extend(crc.to_be_bytes());
    }
    png
}

/// The palette, and rows of indices, each behind a zero: "no filter".
fn to_indexed(picture: &Picture) -> (Vec<u32>, Vec<u8>) {
    let mut counts: HashMap<u32, u32, BuildHasherDefault<Scatter>> = HashMap::default();
    each_run(&picture.pixels, |colour, length| *counts.entry(colour).or_default() += length);
    let mut colours: Vec<(u32, u32)> = counts.iter().map(|(colour, count)| (*count, *colour)).collect();
    colours.sort_unstable_by(|a, b| b.cmp(a));
    let palette: Vec<u32> = colours.iter().take(MAX_COLOURS).map(|(_, colour)| *colour).collect();
    // From here on the map holds indices.
    for (index, colour) in (0..).zip(&palette) {
        counts.insert(*colour, index);
    }
    for (_, colour) in colours.iter().skip(MAX_COLOURS) {
        let nearest = (0..).zip(&palette).min_by_key(|(_, other)| distance(*colour, **other)).map_or(0, |(index, _)| index);
        counts.insert(*colour, nearest);
    }
    let mut data = Vec::with_capacity((picture.width + 1) * picture.height);
    for row in picture.pixels.chunks(picture.width) {
        data.push(0);
        each_run(row, |colour, length| data.resize(data.len() + length as usize, counts[&colour] as u8));
    }
    (palette, data)
}

fn each_run(pixels: &[u32], mut visit: impl FnMut(u32, u32)) {
    let mut start = 0;
    while start < pixels.len() {
        let colour = pixels[start];
        let length = pixels[start..].iter().take_while(|pixel| **pixel == colour).count();
        visit(colour, length as u32);
        start += length;
    }
}

/// How different two colours look: the eye is keenest on green.
fn distance(a: u32, b: u32) -> u32 {
    let [_, red, green, blue] = a.to_be_bytes();
    let [_, other_red, other_green, other_blue] = b.to_be_bytes();
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    2 * square(red, other_red) + 4 * square(green, other_green) + square(blue, other_blue)
}

/// A hash for colours: nobody attacks it, and it needs no randomness.
#[derive(Default)]
struct Scatter(u64);

impl Hasher for Scatter {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

fn crc_table() -> Vec<u32> {
    let shift = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ crc >> 1 } else { crc >> 1 };
    (0..256).map(|byte| (0..8).fold(byte, |crc, _| shift(crc))).collect()
}
