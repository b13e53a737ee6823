//! The drawings and letters that tables/make.js has packed. They are part of the module, so reading them cannot fail.

use crate::outline::{Outline, Step};

static TABLES: &[u8] = include_bytes!("tables.bin");

/// Drawings are 1200 by 900 units; outlines and stroke widths come in eighths of one.
pub const PLATE_WIDTH: f32 = 1200.0;
pub const PLATE_HEIGHT: f32 = 900.0;
const FRACTION: f32 = 8.0;
const EM: f32 = 1024.0;
const NO_COLOUR: u8 = 255;

pub type Colour = [u8; 3];

/// A drawing with empty zones.
pub struct Plate {
    pub id: &'static str,
    pub zones: Vec<Zone>,
    pub shapes: Vec<Shape>,
}

/// A rectangle that holds one caption, in units of the drawing.
#[derive(Clone, Copy)]
pub struct Zone {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
    /// The largest size of its letters.
    pub size: f32,
    pub is_chalk: bool,
}

pub struct Shape {
    pub fill: Option<Colour>,
    pub stroke: Option<Colour>,
    pub stroke_width: f32,
    /// From 0 to 1.
    pub opacity: f32,
    pub outline: Outline,
}

/// Letters by code point. Sizes are in em.
pub struct Font {
    glyphs: Vec<Glyph>,
}

pub struct Glyph {
    code_point: u32,
    pub advance: f32,
    outline: Reader,
}

impl Glyph {
    pub fn outline(&self) -> Outline {
        self.outline.clone().outline(1.0 / EM)
    }
}

impl Font {
    /// The glyph of a letter, or the empty box where there is none.
    pub fn glyph(&self, letter: char) -> &Glyph {
        let find = |letter: char| self.glyphs.binary_search_by_key(&(letter as u32), |glyph| glyph.code_point).ok();
        &self.glyphs[find(letter).or_else(|| find('□')).unwrap_or(0)]
    }
}

/// The ids of all plates, in the order of the site.
pub fn plate_ids() -> Vec<&'static str> {
    let mut reader = after_colours().1;
    (0..reader.number()).map(|_| reader.part().text()).collect()
}

pub fn find_plate(id: &str) -> Option<Plate> {
    let (colours, mut reader) = after_colours();
    let mut plate = (0..reader.number()).map(|_| reader.part()).find(|part| part.clone().text() == id)?;
    let id = plate.text();
    let zones = (0..plate.number()).map(|_| plate.zone()).collect();
    let shapes = (0..plate.number()).map(|_| plate.shape(colours)).collect();
    Some(Plate { id, zones, shapes })
}

/// The face of the captions in their zones, and the one above and below.
pub fn open_font(number: usize) -> Font {
    let mut reader = after_colours().1;
    for _ in 0..reader.number() {
        reader.part();
    }
    reader.number();
    let mut part = (0..=number).map(|_| reader.part()).last().expect("there is a font");
    let count = part.number();
    Font { glyphs: (0..count).map(|_| part.glyph()).collect() }
}

fn after_colours() -> (&'static [u8], Reader) {
    let mut reader = Reader { rest: TABLES };
    let length = reader.number() as usize * 3;
    let colours = reader.take(length);
    (colours, reader)
}

#[derive(Clone)]
struct Reader {
    rest: &'static [u8],
}

impl Reader {
    fn take(&mut self, length: usize) -> &'static [u8] {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn number(&mut self) -> u32 {
        let mut number = 0;
        for shift in (0..).step_by(7) {
            let byte = self.byte();
            number |= u32::from(byte & 127) << shift;
            if byte < 128 {
                break;
            }
        }
        number
    }

    fn signed(&mut self) -> i32 {
        let number = self.number();
        (number >> 1) as i32 ^ -((number & 1) as i32)
    }

    fn part(&mut self) -> Reader {
        let length = self.number() as usize;
        Reader { rest: self.take(length) }
    }

    fn text(&mut self) -> &'static str {
        std::str::from_utf8(self.part().rest).unwrap_or("")
    }

    fn zone(&mut self) -> Zone {
        let [x, y, width, height, size] = [(); 5].map(|()| self.number() as f32);
        Zone { x, y, width, height, size, is_chalk: self.byte() == 1 }
    }

    fn shape(&mut self, colours: &[u8]) -> Shape {
        let [fill, stroke] = [self.byte(), self.byte()].map(|number| {
            let at = usize::from(number) * 3;
            (number != NO_COLOUR).then(|| [colours[at], colours[at + 1], colours[at + 2]])
        });
        let stroke_width = self.number() as f32 / FRACTION;
        let opacity = f32::from(self.byte()) / 255.0;
        Shape { fill, stroke, stroke_width, opacity, outline: self.outline(1.0 / FRACTION) }
    }

    fn glyph(&mut self) -> Glyph {
        Glyph { code_point: self.number(), advance: self.number() as f32 / EM, outline: self.part() }
    }

    fn outline(&mut self, scale: f32) -> Outline {
        let (mut x, mut y) = (0, 0);
        let steps = (0..self.number()).map(|_| {
            let step = self.byte();
            let mut point = || {
                x += self.signed();
                y += self.signed();
                (x as f32 * scale, y as f32 * scale)
            };
            match step {
                0 => Step::Move(point()),
                1 => Step::Line(point()),
                2 => Step::Quadratic(point(), point()),
                3 => Step::Cubic(point(), point(), point()),
                _ => Step::Close,
            }
        });
        Outline { steps: steps.collect() }
    }
}
