//! What stands within a line: emphasis, code, links, pictures, escapes.
//!
//! The text is cut into pieces of HTML; runs of `*` and `_` and brackets stay open until what closes them comes. Each piece
//! is looked at a bounded number of times, so a text of nothing but brackets takes no longer than another.

enum Piece {
    Html(String),
    Run(Run),
}

/// A run of `*` or `_`: first the tags that it closes, then what is left of it, then the tags that it opens.
struct Run {
    mark: char,
    /// How many of them are not yet used.
    count: usize,
    may_open: bool,
    may_close: bool,
    closed: String,
    opened: String,
}

/// A `[` or `![` that may become a link or a picture.
struct Bracket {
    /// The number of its piece.
    piece: usize,
    is_picture: bool,
}

/// As many may be open at once; more are text.
const MAX_BRACKETS: usize = 32;

/// Converts the text of a heading or paragraph; lines are separated by `\n`.
pub fn to_inline_html(text: &str) -> String {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut brackets: Vec<Bracket> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        at += match c {
            '\\' => push_escape(&mut pieces, rest),
            '`' => push_code(&mut pieces, rest),
            '*' | '_' => push_run(&mut pieces, text, at),
            '<' => push_autolink(&mut pieces, rest),
            '\n' => {
                trim_spaces(&mut pieces);
                push(&mut pieces, "\n")
            }
            ' ' if rest.starts_with("  ") && rest.trim_start_matches(' ').starts_with('\n') => {
                push(&mut pieces, "<br>");
                rest.len() - rest.trim_start_matches(' ').len()
            }
            '[' | '!' if brackets.len() < MAX_BRACKETS && (c == '[' || rest.starts_with("![")) => {
                brackets.push(Bracket { piece: pieces.len(), is_picture: c == '!' });
                pieces.push(Piece::Html(if c == '!' { "![".into() } else { "[".into() }));
                if c == '!' { 2 } else { 1 }
            }
            ']' => match brackets.pop() {
                Some(bracket) => push_link(&mut pieces, &mut brackets, bracket, rest),
                None => push(&mut pieces, "]"),
            },
            c => {
                let length = rest.find(|c| "\\`*_<\n []!".contains(c)).unwrap_or(rest.len()).max(c.len_utf8());
                push(&mut pieces, &escape(&rest[..length]));
                length
            }
        };
    }
    match_runs(&mut pieces, 0);
    join(pieces)
}

/// Replaces what HTML reads as its own.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Appends HTML; returns the length of the text that it stands for when it stands for itself.
fn push(pieces: &mut Vec<Piece>, html: &str) -> usize {
    match pieces.last_mut() {
        // Brackets stay pieces of their own, because they may be replaced.
        Some(Piece::Html(last)) if last != "[" && last != "![" => last.push_str(html),
        _ => pieces.push(Piece::Html(html.into())),
    }
    html.len()
}

fn trim_spaces(pieces: &mut [Piece]) {
    if let Some(Piece::Html(last)) = pieces.last_mut() {
        last.truncate(last.trim_end_matches(' ').len());
    }
}

fn push_escape(pieces: &mut Vec<Piece>, rest: &str) -> usize {
    match rest[1..].chars().next() {
        Some('\n') => {
            push(pieces, "<br>");
            1
        }
        Some(c) if c.is_ascii_punctuation() => {
            push(pieces, &escape(&c.to_string()));
            2
        }
        _ => push(pieces, "\\"),
    }
}

fn push_code(pieces: &mut Vec<Piece>, rest: &str) -> usize {
    let length = rest.bytes().take_while(|c| *c == b'`').count();
    let end = match find_run(&rest[length..], length) {
        Some(end) => end,
        None => return push(pieces, &rest[..length]),
    };
    let code = rest[length..length + end].replace('\n', " ");
    let has_margin = code.starts_with(' ') && code.ends_with(' ') && !code.trim().is_empty();
    let code = if has_margin { &code[1..code.len() - 1] } else { &code };
    push(pieces, &format!("<code>{}</code>", escape(code)));
    length + end + length
}

/// Where a run of exactly this many backticks stands.
fn find_run(text: &str, length: usize) -> Option<usize> {
    // Not farther than this, so that a thousand lone backticks are not each looked for to the end.
    const MAX_BYTES: usize = 4_096;
    let mut at = 0;
    while at < text.len().min(MAX_BYTES) {
        at += text[at..].find('`')?;
        let count = text[at..].bytes().take_while(|c| *c == b'`').count();
        if count == length {
            return Some(at);
        }
        at += count;
    }
    None
}

fn push_autolink(pieces: &mut Vec<Piece>, rest: &str) -> usize {
    // What may stand in it ends the search as soon as something else comes.
    let end = rest[1..].find(|c: char| c == '>' || c == '<' || c.is_whitespace()).map_or(0, |end| end + 1);
    let inner = &rest[1..end.max(1)];
    let is_address = rest[end..].starts_with('>') && ["http://", "https://", "mailto:"].iter().any(|s| inner.starts_with(s));
    if !is_address {
        push(pieces, "&lt;");
        return 1;
    }
    let shown = escape(inner.trim_start_matches("mailto:"));
    push(pieces, &format!("<a href=\"{}\">{shown}</a>", escape(inner)));
    end + 1
}

// ---- links ----

/// At a `]`: makes the pieces since the bracket a link if an address follows.
fn push_link(pieces: &mut Vec<Piece>, brackets: &mut Vec<Bracket>, bracket: Bracket, rest: &str) -> usize {
    let (address, title, length) = match find_address(&rest[1..]) {
        Some(found) => found,
        None => return push(pieces, "]"),
    };
    let title = title.map_or_else(String::new, |title| format!(" title=\"{}\"", escape(title)));
    let href = escape(if is_harmless(address) { address } else { "#" });
    match_runs(pieces, bracket.piece + 1);
    let inner = join(pieces.drain(bracket.piece..).skip(1).collect());
    let html = if bracket.is_picture {
        format!("<img src=\"{href}\" alt=\"{}\"{title}>", drop_tags(&inner))
    } else {
        // No link stands in another: brackets that are still open are text.
        brackets.retain(|open| open.is_picture);
        format!("<a href=\"{href}\"{title}>{inner}</a>")
    };
    pieces.push(Piece::Html(html));
    1 + length
}

/// Reads `(address "title")` and how long that is.
fn find_address(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 0;
    let end = inner.char_indices().take(2_000).find_map(|(at, c)| match c {
        '(' => {
            depth += 1;
            None
        }
        ')' if depth == 0 => Some(at),
        ')' => {
            depth -= 1;
            None
        }
        '\n' => Some(usize::MAX),
        _ => None,
    })?;
    let inner = inner.get(..end)?.trim();
    let (address, title) = match inner.split_once(' ') {
        Some((address, title)) => (address, Some(title.trim().strip_prefix('"')?.strip_suffix('"')?)),
        None => (inner, None),
    };
    Some((address, title, end + 2))
}

/// Relative addresses, and schemes that run nothing.
fn is_harmless(address: &str) -> bool {
    match address.split_once(':') {
        Some((scheme, _)) if !scheme.contains(|c| matches!(c, '/' | '?' | '#')) => {
            ["http", "https", "mailto"].contains(&scheme.to_ascii_lowercase().as_str())
        }
        _ => true,
    }
}

fn drop_tags(html: &str) -> String {
    let mut is_tag = false;
    html.chars()
        .filter(|c| {
            let is_text = !is_tag && *c != '<';
            is_tag = if is_tag { *c != '>' } else { *c == '<' };
            is_text
        })
        .collect()
}

// ---- emphasis ----

fn push_run(pieces: &mut Vec<Piece>, text: &str, at: usize) -> usize {
    let mark = if text[at..].starts_with('*') { '*' } else { '_' };
    let count = text[at..].chars().take_while(|c| *c == mark).count();
    let before = text[..at].chars().next_back().unwrap_or(' ');
    let after = text[at + count..].chars().next().unwrap_or(' ');
    let is_punctuation = |c: char| c.is_ascii_punctuation();
    let is_left = !after.is_whitespace() && (!is_punctuation(after) || before.is_whitespace() || is_punctuation(before));
    let is_right = !before.is_whitespace() && (!is_punctuation(before) || after.is_whitespace() || is_punctuation(after));
    // snake_case_names have no emphasis in them.
    let is_word = mark == '_' && is_left && is_right;
    let may_open = is_left && (!is_word || is_punctuation(before));
    let may_close = is_right && (!is_word || is_punctuation(after));
    pieces.push(Piece::Run(Run { mark, count, may_open, may_close, closed: String::new(), opened: String::new() }));
    count
}

/// Pairs the runs from a piece on; what finds no partner becomes text.
fn match_runs(pieces: &mut [Piece], from: usize) {
    let mut runs: Vec<&mut Run> = pieces[from..].iter_mut().filter_map(to_run).collect();
    // The runs that wait for their partner, of either mark. What opened later than a pair and within it closes nowhere.
    let mut waiting: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    for at in 0..runs.len() {
        let (before, rest) = runs.split_at_mut(at);
        let run = &mut rest[0];
        let own = usize::from(run.mark == '_');
        while run.may_close && run.count > 0 {
            let opener = match waiting[own].last() {
                Some(&opener) => opener,
                None => break,
            };
            while matches!(waiting[1 - own].last(), Some(&other) if other > opener) {
                waiting[1 - own].pop();
            }
            join_pair(before[opener], run);
            if before[opener].count == 0 {
                waiting[own].pop();
            }
        }
        if run.may_open && run.count > 0 {
            waiting[own].push(at);
        }
    }
}

fn join_pair(opener: &mut Run, closer: &mut Run) {
    let (tag, used) = if opener.count.min(closer.count) >= 2 { ("strong", 2) } else { ("em", 1) };
    opener.count -= used;
    closer.count -= used;
    opener.opened.insert_str(0, &format!("<{tag}>"));
    closer.closed.push_str(&format!("</{tag}>"));
}

fn to_run(piece: &mut Piece) -> Option<&mut Run> {
    if let Piece::Run(run) = piece { Some(run) } else { None }
}

fn join(pieces: Vec<Piece>) -> String {
    let mut html = String::new();
    for piece in pieces {
        match piece {
            Piece::Html(text) => html.push_str(&text),
            Piece::Run(run) => {
                html.push_str(&run.closed);
                html.extend(std::iter::repeat(run.mark).take(run.count));
                html.push_str(&run.opened);
            }
        }
    }
    html
}
