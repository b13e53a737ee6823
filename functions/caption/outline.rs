//! Outlines, and the edges that they become: of their inside, or of a pen that follows them.
//!
//! Every piece of a pen's trace (a straight part, the corner between two, a round end) is a polygon of its own. They all turn the
//! same way round and share their sides, so that together they cover each place at least once and no border twice.

pub type Point = (f32, f32);

/// How far a curve may lie from its straight pieces, in pixels.
const TOLERANCE: f32 = 0.1;

#[derive(Clone, Copy)]
pub enum Step {
    Move(Point),
    Line(Point),
    Quadratic(Point, Point),
    Cubic(Point, Point, Point),
    Close,
}

#[derive(Clone, Default)]
pub struct Outline {
    pub steps: Vec<Step>,
}

/// Where an outline goes: enlarged, then moved.
#[derive(Clone, Copy)]
pub struct Placing {
    pub scale: f32,
    pub x: f32,
    pub y: f32,
}

/// A straight border; what lies to its right is inside if it goes down, outside if it goes up.
pub struct Edge {
    pub from: Point,
    pub to: Point,
}

struct Line {
    points: Vec<Point>,
    is_closed: bool,
}

impl Outline {
    /// Adds the borders of the inside.
    pub fn fill(&self, placing: Placing, edges: &mut Vec<Edge>) {
        for Line { points, .. } in self.flatten(placing) {
            add_polygon(edges, &points);
        }
    }

    /// Adds the borders of a round pen's trace; `width` is in pixels.
    pub fn stroke(&self, placing: Placing, width: f32, edges: &mut Vec<Edge>) {
        for line in self.flatten(placing) {
            stroke_line(edges, &line, width / 2.0);
        }
    }

    fn flatten(&self, placing: Placing) -> Vec<Line> {
        let place = |(x, y): Point| (x * placing.scale + placing.x, y * placing.scale + placing.y);
        let mut lines: Vec<Line> = Vec::new();
        let mut start = (0.0, 0.0);
        for step in &self.steps {
            if let Step::Move(to) = *step {
                start = place(to);
                lines.push(Line { points: vec![start], is_closed: false });
                continue;
            }
            // What comes behind a closed line begins where that began.
            if lines.last().map_or(true, |line| line.is_closed) {
                lines.push(Line { points: vec![start], is_closed: false });
            }
            let line = lines.last_mut().expect("there is a line");
            let from = *line.points.last().expect("a line has a beginning");
            match *step {
                Step::Line(to) => line.points.push(place(to)),
                Step::Quadratic(a, b) => add_curve(&mut line.points, &[from, place(a), place(b)]),
                Step::Cubic(a, b, c) => add_curve(&mut line.points, &[from, place(a), place(b), place(c)]),
                Step::Close => line.is_closed = true,
                Step::Move(_) => {}
            }
        }
        lines.retain(|line| line.points.len() > 1);
        lines
    }
}

fn add_curve(points: &mut Vec<Point>, nodes: &[Point]) {
    // The farther the control points from a straight line, the more pieces.
    let bend: f32 = nodes.windows(3).map(|n| (n[0].0 - 2.0 * n[1].0 + n[2].0).hypot(n[0].1 - 2.0 * n[1].1 + n[2].1)).fold(0.0, f32::max);
    let factor = if nodes.len() == 4 { 0.75 } else { 0.25 };
    let pieces = (factor * bend / TOLERANCE).sqrt().ceil().clamp(1.0, 64.0) as usize;
    for i in 1..=pieces {
        let t = i as f32 / pieces as f32;
        let s = 1.0 - t;
        let sum = |weights: &[f32]| {
            let mut point = (0.0, 0.0);
            for (weight, node) in weights.iter().zip(nodes) {
                point = (point.0 + weight * node.0, point.1 + weight * node.1);
            }
            point
        };
        points.push(if nodes.len() == 4 {
            sum(&[s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t])
        } else {
            sum(&[s * s, 2.0 * s * t, t * t])
        });
    }
}

fn add_polygon(edges: &mut Vec<Edge>, points: &[Point]) {
    let mut from = points[points.len() - 1];
    for &to in points {
        edges.push(Edge { from, to });
        from = to;
    }
}

// ---- the pen ----

/// A straight part of a line, with the vector from it to its left border.
struct Part {
    from: Point,
    to: Point,
    normal: Point,
}

fn stroke_line(edges: &mut Vec<Edge>, line: &Line, radius: f32) {
    let mut parts = to_parts(&line.points, radius);
    if line.is_closed {
        parts.extend(to_parts(&[line.points[line.points.len() - 1], line.points[0]], radius));
    }
    for Part { from, to, normal } in &parts {
        add_turned(edges, &[add(*from, *normal), add(*to, *normal), sub(*to, *normal), sub(*from, *normal)]);
    }
    for pair in parts.windows(2) {
        add_corner(edges, &pair[0], &pair[1], radius);
    }
    match (parts.first(), parts.last()) {
        (Some(first), Some(last)) if line.is_closed => add_corner(edges, last, first, radius),
        (Some(first), Some(last)) => {
            add_arc(edges, first.from, first.normal, radius, std::f32::consts::PI);
            add_arc(edges, last.to, last.normal, radius, -std::f32::consts::PI);
        }
        _ => {}
    }
}

fn to_parts(points: &[Point], radius: f32) -> Vec<Part> {
    let parts = points.windows(2).filter_map(|pair| {
        let (dx, dy) = sub(pair[1], pair[0]);
        let length = dx.hypot(dy);
        let normal = (-dy * radius / length, dx * radius / length);
        (length > 1e-4).then(|| Part { from: pair[0], to: pair[1], normal })
    });
    parts.collect()
}

/// The wedge on the outer side of a bend.
fn add_corner(edges: &mut Vec<Edge>, before: &Part, after: &Part, radius: f32) {
    let (a, b) = (before.normal, after.normal);
    let turn = (a.0 * b.1 - a.1 * b.0).atan2(a.0 * b.0 + a.1 * b.1);
    let outer = if turn > 0.0 { (-a.0, -a.1) } else { a };
    add_arc(edges, before.to, outer, radius, turn);
}

/// A piece of a round cake: from `centre + from`, turned by an angle.
fn add_arc(edges: &mut Vec<Edge>, centre: Point, from: Point, radius: f32, angle: f32) {
    if angle.abs() < 1e-3 {
        return;
    }
    let step = 2.0 * (1.0 - (TOLERANCE / radius).min(0.5)).acos();
    let pieces = (angle.abs() / step).ceil().max(1.0) as usize;
    let mut points = vec![centre, add(centre, from)];
    for i in 1..=pieces {
        let (sin, cos) = (angle * i as f32 / pieces as f32).sin_cos();
        points.push(add(centre, (from.0 * cos - from.1 * sin, from.0 * sin + from.1 * cos)));
    }
    add_turned(edges, &points);
}

/// Adds a polygon the way round that all parts of a trace have.
fn add_turned(edges: &mut Vec<Edge>, points: &[Point]) {
    let mut doubled_area = 0.0;
    let mut from = sub(points[points.len() - 1], points[0]);
    for &point in points {
        let to = sub(point, points[0]);
        doubled_area += from.0 * to.1 - from.1 * to.0;
        from = to;
    }
    if doubled_area >= 0.0 {
        add_polygon(edges, points);
    } else {
        let reversed: Vec<Point> = points.iter().rev().copied().collect();
        add_polygon(edges, &reversed);
    }
}

fn add(a: Point, b: Point) -> Point {
    (a.0 + b.0, a.1 + b.1)
}

fn sub(a: Point, b: Point) -> Point {
    (a.0 - b.0, a.1 - b.1)
}
