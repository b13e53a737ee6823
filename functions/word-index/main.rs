//! A concordance: `?q=science` answers with every line of a book that has the word, and its number.
//!
//! The book is dictionary.txt: A to O of The Devil's Dictionary by Ambrose Bierce (1911), abridged, in the public domain.
//!
//! Making the index takes a thousand times longer than asking it. `wizer-initialize` makes it when the function is built, and
//! what each request starts from is the memory with the index in it. Without that step it is made at each request.

use std::cmp::Ordering;
use std::io::Write;

static BOOK: &str = include_str!("dictionary.txt");

/// Kept from the snapshot to the request; a program of WASI has one thread.
static mut INDEX: Option<Index> = None;

/// The words of the book in alphabetical order, capitals apart, and where they stand.
struct Index {
    words: Vec<Word>,
    /// Numbers of lines, word after word, in the order of the book.
    lines: Vec<u32>,
    /// Where each line begins; one more at the end.
    starts: Vec<u32>,
}

struct Word {
    text: &'static str,
    /// The first of its lines in `lines`; the next word's is the end.
    first: u32,
}

/// One word at one place: from where to where in the book, and in which line.
#[derive(Clone, Copy, Default)]
struct Occurrence {
    start: u32,
    end: u32,
    line: u32,
}

impl Occurrence {
    fn text(self) -> &'static str {
        &BOOK[self.start as usize..self.end as usize]
    }
}

#[export_name = "wizer-initialize"]
pub extern "C" fn initialize() {
    // Sound because nothing else runs and no reference to it exists yet.
    unsafe { INDEX = Some(Index::of(BOOK)) }
}

extern "C" {
    /// What the C library does before `main`: read the environment.
    ///
    /// The linker puts it in front of every export of a command, unless the program calls it itself. Here it must not stand
    /// in front of `wizer-initialize`, because the environment of the build is not that of a request.
    fn __wasm_call_ctors();
}

fn main() {
    unsafe { __wasm_call_ctors() }
    // Sound for the same reason as above.
    let index = unsafe { &*std::ptr::addr_of_mut!(INDEX) };
    let fresh;
    let index = match index {
        Some(index) => index,
        None => {
            fresh = Index::of(BOOK);
            &fresh
        }
    };
    let wanted = std::env::var("q").unwrap_or_default();
    if std::io::stdout().write_all(index.answer(wanted.trim()).as_bytes()).is_err() {
        std::process::exit(1);
    }
}

impl Index {
    fn of(book: &'static str) -> Index {
        let mut occurrences = Vec::with_capacity(book.lines().flat_map(split_words).count());
        let mut starts = Vec::with_capacity(book.lines().count() + 1);
        for (number, line) in (0..).zip(book.lines()) {
            starts.push(offset_in(book, line));
            occurrences.extend(split_words(line).map(|word| {
                let start = offset_in(book, word);
                Occurrence { start, end: start + word.len() as u32, line: number }
            }));
        }
        starts.push(book.len() as u32);
        occurrences.sort_unstable_by(|a, b| compare(a.text(), b.text()).then(a.line.cmp(&b.line)));
        occurrences.dedup_by(|b, a| a.line == b.line && compare(a.text(), b.text()).is_eq());

        let mut words: Vec<Word> = Vec::with_capacity(count_words(&occurrences));
        for (first, occurrence) in (0..).zip(&occurrences) {
            let text = occurrence.text();
            if words.last().map_or(true, |last| compare(last.text, text).is_ne()) {
                words.push(Word { text, first });
            }
        }
        let lines = occurrences.iter().map(|each| each.line).collect();
        // What is freed stays in the snapshot, unless it is zero.
        occurrences.resize(occurrences.capacity(), Occurrence::default());
        occurrences.fill(Occurrence::default());
        Index { words, lines, starts }
    }

    fn answer(&self, wanted: &str) -> String {
        let lines = self.find(wanted);
        let mut answer = match (wanted, lines.len()) {
            ("", _) => format!("{} words in {} lines; ask for one: ?q=science\n", self.words.len(), self.starts.len() - 1),
            (_, 0) => format!("No line has \"{wanted}\"\n"),
            (_, 1) => format!("1 line has \"{wanted}\"\n"),
            (_, count) => format!("{count} lines have \"{wanted}\"\n"),
        };
        for &line in lines {
            let range = self.starts[line as usize] as usize..self.starts[line as usize + 1] as usize;
            answer.push_str(&format!("{:5}  {}\n", line + 1, BOOK[range].trim()));
        }
        answer
    }

    fn find(&self, wanted: &str) -> &[u32] {
        match self.words.binary_search_by(|word| compare(word.text, wanted)) {
            Ok(at) => {
                let end = self.words.get(at + 1).map_or(self.lines.len(), |next| next.first as usize);
                &self.lines[self.words[at].first as usize..end]
            }
            Err(_) => &[],
        }
    }
}

fn count_words(sorted: &[Occurrence]) -> usize {
    let changes = sorted.windows(2).filter(|pair| compare(pair[0].text(), pair[1].text()).is_ne()).count();
    if sorted.is_empty() { 0 } else { changes + 1 }
}

/// Letters, with apostrophes and hyphens between them: `don't`, `well-being`.
fn split_words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphabetic() || c == '\'' || c == '-'))
        .map(|word| word.trim_matches(|c| c == '\'' || c == '-'))
        .filter(|word| !word.is_empty())
}

fn compare(a: &str, b: &str) -> Ordering {
    a.bytes().map(|c| c.to_ascii_lowercase()).cmp(b.bytes().map(|c| c.to_ascii_lowercase()))
}

fn offset_in(book: &str, line: &str) -> u32 {
    (line.as_ptr() as usize - book.as_ptr() as usize) as u32
}
