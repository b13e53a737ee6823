//! What is wished for, read from the query string.

const MAX_TEXT_CHARACTERS: usize = 300;
const WIDTHS: std::ops::RangeInclusive<usize> = 100..=1600;

pub struct Wish {
    pub template: String,
    /// One for each zone of the template, in its order; an empty one leaves its zone empty.
    pub texts: Vec<String>,
    pub top: String,
    pub bottom: String,
    /// In pixels.
    pub width: usize,
}

impl Wish {
    /// Reads a query string, or says what is wrong with it.
    pub fn parse(query: &str) -> Result<Wish, String> {
        let mut wish = Wish { template: String::new(), texts: Vec::new(), top: String::new(), bottom: String::new(), width: 1200 };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if value.chars().count() > MAX_TEXT_CHARACTERS {
                return Err(format!("\"{name}\" is longer than {MAX_TEXT_CHARACTERS} characters"));
            }
            match name.as_str() {
                "template" => wish.template = value,
                "text" => wish.texts.push(value),
                "top" => wish.top = value,
                "bottom" => wish.bottom = value,
                "width" => wish.width = parse_width(&value)?,
                _ => return Err(format!("There is no parameter \"{name}\"; there are template, text, top, bottom and width")),
            }
        }
        match wish.template.as_str() {
            "" => Err("Name a template: ?template=two-doors".into()),
            _ => Ok(wish),
        }
    }
}

fn parse_width(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(width) if WIDTHS.contains(&width) && !text.starts_with('+') => Ok(width),
        _ => Err(format!("\"width\" must be a whole number from {} to {}", WIDTHS.start(), WIDTHS.end())),
    }
}

/// Undoes the encoding of a form: `+` is a space, `%C3%A9` is é. Control characters are spaces.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = if first == b'%' {
            bytes.push(parse_byte(after).ok_or("The query has a broken percent sign")?);
            &after[2..]
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
            after
        };
    }
    let decoded = String::from_utf8(bytes).map_err(|_| "The query is not UTF-8")?;
    Ok(decoded.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

/// Two hexadecimal digits.
fn parse_byte(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| text.get(at).and_then(|c| char::from(*c).to_digit(16));
    Some((digit(0)? * 16 + digit(1)?) as u8)
}
