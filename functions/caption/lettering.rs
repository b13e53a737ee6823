//! Captions: broken into lines, as large as their place allows, and painted.

use crate::outline::{Edge, Placing};
use crate::raster::Picture;
use crate::tables::{Colour, Font, Zone, PLATE_HEIGHT, PLATE_WIDTH};

const INK: Colour = [0x2a, 0x2b, 0x36];
const CHALK: Colour = [0xff, 0xfd, 0xf6];
const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];

const SMALLEST_SIZE: f32 = 14.0;
const LINE_HEIGHT: f32 = 1.2;
/// From the middle of a line to where its letters stand, in em.
const BASELINE: f32 = 0.36;

/// The black around white letters, in em.
const BORDER: f32 = 0.14;
const MARGIN: f32 = 36.0;
const BANNER_HEIGHT: f32 = 270.0;
const BANNER_SIZE: f32 = 84.0;

/// Where a banner stands.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Top,
    Bottom,
}

/// The caption is longer than its place.
pub struct TooLong;

/// Lines that fit. Sizes are in units of the drawing.
struct Lettering {
    lines: Vec<String>,
    size: f32,
}

/// Writes a caption into a zone of the drawing; `scale` is pixels per unit.
pub fn write_zone(picture: &mut Picture, scale: f32, font: &Font, zone: &Zone, text: &str) -> Result<(), TooLong> {
    let Lettering { lines, size } = fit(font, text, zone)?;
    let middle = zone.y + zone.height / 2.0 - (lines.len() as f32 - 1.0) * size * LINE_HEIGHT / 2.0;
    let mut edges = Vec::new();
    for (number, line) in (0..).zip(&lines) {
        let y = middle + number as f32 * size * LINE_HEIGHT + size * BASELINE;
        for (outline, placing) in set_line(font, line, (zone.x + zone.width / 2.0, y), size, scale) {
            outline.fill(placing, &mut edges);
        }
    }
    picture.paint(&edges, if zone.is_chalk { CHALK } else { INK }, 1.0);
    Ok(())
}

/// Writes a caption over the picture, white with a black border, as memes have it.
pub fn write_banner(picture: &mut Picture, scale: f32, font: &Font, side: Side, text: &str) -> Result<(), TooLong> {
    let y = if side == Side::Top { MARGIN } else { PLATE_HEIGHT - MARGIN - BANNER_HEIGHT };
    let place = Zone { x: MARGIN, y, width: PLATE_WIDTH - 2.0 * MARGIN, height: BANNER_HEIGHT, size: BANNER_SIZE, is_chalk: true };
    let Lettering { lines, size } = fit(font, text, &place)?;
    let height = lines.len() as f32 * size * LINE_HEIGHT;
    let first = if side == Side::Top { MARGIN } else { PLATE_HEIGHT - MARGIN - height };
    let (mut inside, mut border): (Vec<Edge>, Vec<Edge>) = Default::default();
    for (number, line) in (0..).zip(&lines) {
        let y = first + (number as f32 + 0.5) * size * LINE_HEIGHT + size * BASELINE;
        for (outline, placing) in set_line(font, line, (PLATE_WIDTH / 2.0, y), size, scale) {
            outline.fill(placing, &mut inside);
            outline.stroke(placing, BORDER * size * scale, &mut border);
        }
    }
    picture.paint(&border, BLACK, 1.0);
    picture.paint(&inside, WHITE, 1.0);
    Ok(())
}

/// The outlines of a line around its middle, where they go in pixels.
fn set_line<'a>(font: &'a Font, line: &'a str, (centre, y): (f32, f32), size: f32, scale: f32)
    -> impl Iterator<Item = (crate::outline::Outline, Placing)> + 'a {
    let mut x = centre - width_em(font, line) * size / 2.0;
    line.chars().map(move |letter| {
        let glyph = font.glyph(letter);
        let placing = Placing { scale: size * scale, x: x * scale, y: y * scale };
        x += glyph.advance * size;
        (glyph.outline(), placing)
    })
}

fn width_em(font: &Font, text: &str) -> f32 {
    text.chars().map(|letter| font.glyph(letter).advance).sum()
}

/// Finds the largest size at which the caption fits.
fn fit(font: &Font, text: &str, zone: &Zone) -> Result<Lettering, TooLong> {
    let words: Vec<(&str, f32)> = text.split_whitespace().map(|word| (word, width_em(font, word))).collect();
    let space = font.glyph(' ').advance;
    let mut size = zone.size;
    while size >= SMALLEST_SIZE {
        let most = (zone.height / (size * LINE_HEIGHT)) as usize;
        if let Some(lines) = break_lines(&words, space, zone.width / size, most) {
            return Ok(Lettering { lines, size });
        }
        size -= 2.0;
    }
    Err(TooLong)
}

/// Fills lines greedily, then evens them out: the narrowest measure that needs no more lines looks best.
fn break_lines(words: &[(&str, f32)], space: f32, measure: f32, most: usize) -> Option<Vec<String>> {
    let greedy = fill_lines(words, space, measure).filter(|lines| lines.len() <= most)?;
    let count = greedy.len();
    let mut best = greedy;
    let mut narrower = measure * 0.95;
    while narrower > measure * 0.5 {
        match fill_lines(words, space, narrower) {
            Some(lines) if lines.len() <= count => best = lines,
            _ => break,
        }
        narrower *= 0.95;
    }
    Some(best)
}

fn fill_lines(words: &[(&str, f32)], space: f32, measure: f32) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    let mut width = f32::MAX;
    for &(word, own) in words {
        if own > measure {
            return None;
        }
        match lines.last_mut() {
            Some(line) if width + space + own <= measure => {
                line.push(' ');
                line.push_str(word);
                width += space + own;
            }
            _ => {
                lines.push(word.into());
                width = own;
            }
        }
    }
    Some(lines)
}
