//! A picture, and how areas are painted on it: each pixel as much as the area covers it.
//!
//! Every edge adds to the pixels of its rows how the coverage changes there; summed up from the left that is the coverage itself
//! (signed, so that what is enclosed twice counts twice, and a hole not at all). It is done in bands of a few rows, which stay
//! in the processor's cache.

use std::ops::Range;

use crate::outline::{Edge, Point};
use crate::tables::Colour;

const BAND_ROWS: usize = 32;

pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// 0xRRGGBB, row after row.
    pub pixels: Vec<u32>,
    /// The changes of coverage of one band; zero between two calls.
    changes: Vec<f32>,
}

impl Picture {
    pub fn new(width: usize, height: usize) -> Picture {
        Picture { width, height, pixels: vec![0xff_ffff; width * height], changes: vec![0.0; (width + 2) * BAND_ROWS] }
    }

    /// Paints what the edges enclose. `opacity` is from 0 to 1.
    pub fn paint(&mut self, edges: &[Edge], colour: Colour, opacity: f32) {
        let ((left, top), (right, bottom)) = match bounds(edges) {
            Some(bounds) => bounds,
            None => return,
        };
        let clamp = |value: f32, most: usize| value.clamp(0.0, most as f32) as usize;
        let columns = clamp(left.floor(), self.width)..clamp(right.ceil() + 1.0, self.width);
        let (top, bottom) = (clamp(top.floor(), self.height), clamp(bottom.ceil(), self.height));
        for band in (top..bottom).step_by(BAND_ROWS) {
            let end = (band + BAND_ROWS).min(bottom);
            for edge in edges {
                self.add_edge(edge, band, end);
            }
            for row in band..end {
                self.paint_row(row, (row - band) * (self.width + 2), columns.clone(), (colour, opacity));
            }
        }
    }

    fn add_edge(&mut self, edge: &Edge, top: usize, bottom: usize) {
        let (direction, upper, lower) = if edge.from.1 < edge.to.1 { (1.0, edge.from, edge.to) } else { (-1.0, edge.to, edge.from) };
        let (first, last) = (upper.1.max(top as f32), lower.1.min(bottom as f32));
        if first >= last {
            return;
        }
        let slope = (lower.0 - upper.0) / (lower.1 - upper.1);
        let mut y = first;
        let mut x = upper.0 + (first - upper.1) * slope;
        for row in first as usize..bottom {
            let next_y = last.min((row + 1) as f32);
            let height = next_y - y;
            if height <= 0.0 {
                break;
            }
            let next_x = upper.0 + (next_y - upper.1) * slope;
            self.add_piece((row - top) * (self.width + 2), x.min(next_x), x.max(next_x), height * direction);
            (x, y) = (next_x, next_y);
        }
    }

    /// A piece of an edge within one row: `area` of the pixels to the right of it is inside.
    fn add_piece(&mut self, row: usize, left: f32, right: f32, area: f32) {
        let most = self.width as f32;
        let (left, right) = (left.clamp(0.0, most), right.clamp(0.0, most));
        let first = left as usize;
        let changes = &mut self.changes[row..row + self.width + 2];
        if right <= (first + 1) as f32 {
            let share = (left + right) / 2.0 - first as f32;
            changes[first] += area * (1.0 - share);
            changes[first + 1] += area * share;
            return;
        }
        // Over several pixels: what lies left of each one's right side, less what was counted before.
        let per_pixel = area / (right - left);
        let mut counted = 0.0;
        let mut covered_before = 0.0;
        for at in first..=(right.ceil() as usize).min(self.width + 1) {
            let (from, to) = (left.max(at as f32), right.min((at + 1) as f32));
            let inner = (to - from).max(0.0) * per_pixel;
            // Of this pixel: all that entered before, and half of its own part of the slope.
            let covered = counted + inner * ((at + 1) as f32 - (from + to) / 2.0);
            changes[at] += covered - covered_before;
            covered_before = covered;
            counted += inner;
        }
    }

    fn paint_row(&mut self, row: usize, at: usize, columns: Range<usize>, (colour, opacity): (Colour, f32)) {
        // The last changes may stand two places beyond the last pixel.
        let changes = &mut self.changes[at + columns.start..at + columns.end + 2];
        let pixels = &mut self.pixels[row * self.width..][columns];
        let solid = u32::from_be_bytes([0, colour[0], colour[1], colour[2]]);
        let mut coverage = 0.0;
        for (pixel, change) in pixels.iter_mut().zip(changes.iter()) {
            coverage += *change;
            let share = coverage.abs().min(1.0) * opacity;
            if share > 0.998 {
                *pixel = solid;
            } else if share > 0.002 {
                *pixel = blend(*pixel, colour, share);
            }
        }
        changes.fill(0.0);
    }
}

fn bounds(edges: &[Edge]) -> Option<(Point, Point)> {
    let points = || edges.iter().flat_map(|edge| [edge.from, edge.to]);
    let first = points().next()?;
    Some(points().fold((first, first), |(low, high), point| {
        ((low.0.min(point.0), low.1.min(point.1)), (high.0.max(point.0), high.1.max(point.1)))
    }))
}

fn blend(below: u32, colour: Colour, share: f32) -> u32 {
    let [_, red, green, blue] = below.to_be_bytes();
    let mix = |below: u8, above: u8| (f32::from(below) + (f32::from(above) - f32::from(below)) * share + 0.5) as u8;
    u32::from_be_bytes([0, mix(red, colour[0]), mix(green, colour[1]), mix(blue, colour[2])])
}
