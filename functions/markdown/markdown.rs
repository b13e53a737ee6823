//! Blocks: headings, paragraphs, lists, quotes, code and rules, as https://spec.commonmark.org/ describes them, with fewer
//! exceptions. Not here: tables, reference links, raw HTML.

use crate::inline::{escape, to_inline_html};

/// Quotes and lists deeper than this are text.
const MAX_DEPTH: usize = 16;

/// Converts a text. Every input has an output, and what it holds of HTML is escaped.
pub fn to_html(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\t', "    ").replace('\0', "\u{fffd}");
    let lines: Vec<&str> = text.lines().collect();
    let mut html = String::with_capacity(text.len() * 2);
    write_blocks(&mut html, &lines, Place { depth: 0, is_tight: false });
    html
}

#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// In a list without empty lines paragraphs have no tags.
    is_tight: bool,
}

fn write_blocks(html: &mut String, lines: &[&str], place: Place) {
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if !is_blank(line) && starts_block(line) {
            begin_line(html);
        }
        at += if is_blank(line) {
            1
        } else if let Some(fence) = find_fence(line) {
            write_fenced(html, &lines[at..], fence)
        } else if line.starts_with("    ") {
            write_indented(html, &lines[at..])
        } else if let Some((level, title)) = find_heading(line) {
            html.push_str(&format!("<h{level}>{}</h{level}>\n", to_inline_html(title)));
            1
        } else if is_rule(line) {
            html.push_str("<hr>\n");
            1
        } else if is_quote(line) && place.depth < MAX_DEPTH {
            write_quote(html, &lines[at..], place)
        } else if let (Some(marker), true) = (find_marker(line), place.depth < MAX_DEPTH) {
            write_list(html, &lines[at..], marker, place)
        } else {
            write_paragraph(html, &lines[at..], place)
        };
    }
}

// ---- code ----

struct Fence<'a> {
    mark: char,
    length: usize,
    indent: usize,
    language: &'a str,
}

fn find_fence(line: &str) -> Option<Fence<'_>> {
    let indent = indent_of(line);
    let rest = line.trim_start();
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = rest.chars().take_while(|c| *c == mark).count();
    let info = rest[length..].trim();
    if indent > 3 || length < 3 || (mark == '`' && info.contains('`')) {
        return None;
    }
    Some(Fence { mark, length, indent, language: info.split(' ').next().unwrap_or("") })
}

fn write_fenced(html: &mut String, lines: &[&str], fence: Fence) -> usize {
    match fence.language {
        "" => html.push_str("<pre><code>"),
        language => html.push_str(&format!("<pre><code class=\"language-{}\">", escape(language))),
    }
    let mut used = 1;
    for line in &lines[1..] {
        used += 1;
        if matches!(find_fence(line), Some(end) if end.mark == fence.mark && end.length >= fence.length && end.language.is_empty()) {
            break;
        }
        html.push_str(&escape(drop_indent(line, fence.indent)));
        html.push('\n');
    }
    html.push_str("</code></pre>\n");
    used
}

fn write_indented(html: &mut String, lines: &[&str]) -> usize {
    let code = lines.iter().take_while(|line| line.starts_with("    ") || is_blank(line)).count();
    let used = lines[..code].iter().rposition(|line| !is_blank(line)).map_or(0, |last| last + 1);
    begin_line(html);
    html.push_str("<pre><code>");
    for line in &lines[..used] {
        html.push_str(&escape(drop_indent(line, 4)));
        html.push('\n');
    }
    html.push_str("</code></pre>\n");
    used
}

// ---- headings and rules ----

fn find_heading(line: &str) -> Option<(usize, &str)> {
    let line = line.trim();
    let level = line.bytes().take_while(|c| *c == b'#').count();
    let title = &line[level..];
    if !(1..=6).contains(&level) || !(title.is_empty() || title.starts_with(' ')) {
        return None;
    }
    let bare = title.trim_end_matches('#');
    let is_closed = bare.is_empty() || bare.ends_with(' ');
    Some((level, if is_closed { bare } else { title }.trim()))
}

fn is_rule(line: &str) -> bool {
    let mut marks = line.chars().filter(|c| *c != ' ');
    let first = marks.next();
    matches!(first, Some('-' | '*' | '_')) && indent_of(line) < 4 && marks.clone().count() >= 2 && marks.all(|c| Some(c) == first)
}

// ---- quotes and lists ----

fn is_quote(line: &str) -> bool {
    indent_of(line) < 4 && line.trim_start().starts_with('>')
}

fn write_quote(html: &mut String, lines: &[&str], place: Place) -> usize {
    // A paragraph in a quote may go on without the mark.
    let used = lines.iter().take_while(|line| is_quote(line) || !(is_blank(line) || starts_block(line))).count();
    let inner: Vec<&str> = lines[..used]
        .iter()
        .map(|line| if is_quote(line) { &line.trim_start()[1..] } else { line })
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    html.push_str("<blockquote>\n");
    write_blocks(html, &inner, Place { depth: place.depth + 1, is_tight: false });
    html.push_str("</blockquote>\n");
    used
}

#[derive(Clone, Copy)]
struct Marker {
    /// `-`, `*`, `+`, or `.` and `)` of a number. Another one begins another list.
    kind: char,
    number: Option<u32>,
    /// Where the item's text begins.
    width: usize,
}

fn find_marker(line: &str) -> Option<Marker> {
    let indent = indent_of(line);
    let rest = line.trim_start();
    let digits = rest.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let kind = rest[digits..].chars().next()?;
    let is_mark = if digits > 0 { matches!(kind, '.' | ')') } else { matches!(kind, '-' | '*' | '+') };
    let text = rest.get(digits + 1..).filter(|_| is_mark)?;
    if indent > 3 || is_rule(line) || !(text.is_empty() || text.starts_with(' ')) {
        return None;
    }
    let gap = match indent_of(text) {
        gap @ 1..=4 => gap,
        _ => 1,
    };
    Some(Marker { kind, number: rest[..digits].parse().ok(), width: indent + digits + 1 + gap })
}

fn write_list(html: &mut String, lines: &[&str], first: Marker, place: Place) -> usize {
    let (items, used) = split_items(lines, first);
    let is_tight = !items.iter().any(|item| item.is_loose);
    let tag = if first.number.is_some() { "ol" } else { "ul" };
    match first.number {
        Some(start) if start != 1 => html.push_str(&format!("<ol start=\"{start}\">\n")),
        _ => html.push_str(&format!("<{tag}>\n")),
    }
    for item in items {
        html.push_str("<li>");
        write_blocks(html, &item.lines, Place { depth: place.depth + 1, is_tight });
        html.push_str("</li>\n");
    }
    html.push_str(&format!("</{tag}>\n"));
    used
}

struct Item<'a> {
    lines: Vec<&'a str>,
    /// An empty line stands in it, or between it and the next.
    is_loose: bool,
}

fn split_items<'a>(lines: &[&'a str], first: Marker) -> (Vec<Item<'a>>, usize) {
    let mut items: Vec<Item> = Vec::new();
    let mut width = first.width;
    let mut blanks = 0;
    let mut used = 0;
    for (at, line) in lines.iter().enumerate() {
        if is_blank(line) {
            blanks += 1;
            continue;
        }
        let is_inside = at > 0 && indent_of(line) >= width;
        let marker = find_marker(line).filter(|marker| !is_inside && marker.kind == first.kind);
        let is_lazy = at > 0 && blanks == 0 && !starts_block(line);
        match (marker, items.last_mut()) {
            (Some(marker), previous) => {
                if let (Some(previous), true) = (previous, blanks > 0) {
                    previous.is_loose = true;
                }
                width = marker.width;
                items.push(Item { lines: vec![line.get(width..).unwrap_or("")], is_loose: false });
            }
            (None, Some(item)) if is_inside || is_lazy => {
                item.is_loose |= blanks > 0;
                item.lines.extend(std::iter::repeat("").take(blanks));
                item.lines.push(drop_indent(line, width));
            }
            _ => break,
        }
        blanks = 0;
        used = at + 1;
    }
    (items, used)
}

// ---- paragraphs ----

fn write_paragraph(html: &mut String, lines: &[&str], place: Place) -> usize {
    let mut used = 1;
    let mut level = None;
    for line in &lines[1..] {
        level = match line.trim() {
            "" => None,
            under if under.bytes().all(|c| c == b'=') => Some(1),
            under if under.bytes().all(|c| c == b'-') => Some(2),
            _ => None,
        };
        if level.is_some() || is_blank(line) || starts_block(line) {
            break;
        }
        used += 1;
    }
    let text: Vec<&str> = lines[..used].iter().map(|line| line.trim_start()).collect();
    let inline = to_inline_html(text.join("\n").trim_end());
    if level.is_some() || !place.is_tight {
        begin_line(html);
    }
    match level {
        Some(level) => html.push_str(&format!("<h{level}>{inline}</h{level}>\n")),
        None if place.is_tight => html.push_str(&inline),
        None => html.push_str(&format!("<p>{inline}</p>\n")),
    }
    used + usize::from(level.is_some())
}

/// Whether a line begins something else than a paragraph, and ends the one before it. Of numbered lists only those that begin with 1, as in prose "in\n1984." does not.
fn starts_block(line: &str) -> bool {
    let is_list = matches!(find_marker(line), Some(marker) if marker.number.unwrap_or(1) == 1);
    find_fence(line).is_some() || find_heading(line).is_some() || is_rule(line) || is_quote(line) || is_list
}

// ---- lines ----

/// A block stands on a line of its own, also behind the text of a tight item.
fn begin_line(html: &mut String) {
    if !html.is_empty() && !html.ends_with('\n') {
        html.push('\n');
    }
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn indent_of(line: &str) -> usize {
    line.bytes().take_while(|c| *c == b' ').count()
}

fn drop_indent(line: &str, most: usize) -> &str {
    &line[indent_of(line).min(most)..]
}
