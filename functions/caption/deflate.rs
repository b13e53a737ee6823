//! Deflate: repetitions found through a hash of four bytes, then Huffman codes made for each block.
//!
//! RFC 1951, and RFC 1950 around it.

const WINDOW: usize = 32_768;
const MIN_MATCH: usize = 4;
const MAX_MATCH: usize = 258;
/// How many earlier places are compared before the best so far is taken.
const MAX_TRIES: usize = 24;
/// A repetition this long is not worth looking for a better one.
const GOOD_MATCH: usize = 96;
const HASH_BITS: u32 = 15;
const BLOCK_SYMBOLS: usize = 32_768;
const NONE: u32 = u32::MAX;

const END_OF_BLOCK: usize = 256;
const LENGTH_BASES: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const DISTANCE_BASES: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
    12289, 16385, 24577,
];
/// The order in which the lengths of the code for code lengths are sent.
const LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// A byte as it is (`distance` 0), or a repetition.
#[derive(Clone, Copy)]
struct Symbol {
    value: u16,
    distance: u16,
}

/// Compresses into the zlib format.
pub fn compress(data: &[u8]) -> Vec<u8> {
    let mut bits = BitWriter { bytes: vec![0x78, 0x9c], held: 0, count: 0 };
    let symbols = find_repetitions(data);
    let blocks = symbols.chunks(BLOCK_SYMBOLS).count().max(1);
    for number in 0..blocks {
        let end = symbols.len().min((number + 1) * BLOCK_SYMBOLS);
        write_block(&mut bits, &symbols[number * BLOCK_SYMBOLS..end], number + 1 == blocks);
    }
    let mut bytes = bits.finish();
    bytes.extend(adler32(data).to_be_bytes());
    bytes
}

// ---- repetitions ----

fn find_repetitions(data: &[u8]) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(data.len() / 16 + 64);
    let mut places = Places { heads: vec![NONE; 1 << HASH_BITS], earlier: vec![NONE; WINDOW] };
    let mut at = 0;
    while at < data.len() {
        let (length, distance) = places.find(data, at, MIN_MATCH - 1);
        if length < MIN_MATCH {
            symbols.push(Symbol { value: u16::from(data[at]), distance: 0 });
            places.add(data, at);
            at += 1;
            continue;
        }
        places.add(data, at);
        // A byte later there may be a longer one.
        if length < GOOD_MATCH && places.find(data, at + 1, length).0 > length {
            symbols.push(Symbol { value: u16::from(data[at]), distance: 0 });
            at += 1;
            continue;
        }
        symbols.push(Symbol { value: length as u16, distance: distance as u16 });
        // Within a long run every place is like the next: some are enough.
        let step = if distance == 1 { 16 } else { 1 };
        (at + 1..at + length).step_by(step).for_each(|inner| places.add(data, inner));
        at += length;
    }
    symbols
}

/// Where each four bytes stood last, and before that.
struct Places {
    heads: Vec<u32>,
    earlier: Vec<u32>,
}

impl Places {
    fn add(&mut self, data: &[u8], at: usize) {
        if let Some(hash) = hash(data, at) {
            self.earlier[at % WINDOW] = self.heads[hash];
            self.heads[hash] = at as u32;
        }
    }

    /// The longest repetition of more than `least` bytes, as length and distance; (0, 0) when there is none.
    fn find(&self, data: &[u8], at: usize, least: usize) -> (usize, usize) {
        let mut best = (0, 0);
        let mut length = least;
        let most = MAX_MATCH.min(data.len().saturating_sub(at));
        let mut place = hash(data, at).map_or(NONE, |hash| self.heads[hash]);
        for _ in 0..MAX_TRIES {
            if place == NONE || at - place as usize >= WINDOW || length >= most {
                break;
            }
            let from = place as usize;
            if data[from + length] == data[at + length] {
                let same = data[from..].iter().zip(&data[at..at + most]).take_while(|(a, b)| a == b).count();
                if same > length {
                    length = same;
                    best = (same, at - from);
                }
            }
            let next = self.earlier[from % WINDOW];
            if next != NONE && next >= place {
                break;
            }
            place = next;
        }
        best
    }
}

fn hash(data: &[u8], at: usize) -> Option<usize> {
    let bytes = data.get(at..at + 4)?;
    let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Some((number.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize)
}

// ---- blocks ----

fn write_block(bits: &mut BitWriter, symbols: &[Symbol], is_last: bool) {
    let mut literal_counts = vec![0u32; 286];
    let mut distance_counts = vec![0u32; 30];
    literal_counts[END_OF_BLOCK] = 1;
    for symbol in symbols {
        if symbol.distance == 0 {
            literal_counts[usize::from(symbol.value)] += 1;
        } else {
            literal_counts[257 + class_of(&LENGTH_BASES, symbol.value)] += 1;
            distance_counts[class_of(&DISTANCE_BASES, symbol.distance)] += 1;
        }
    }
    let literals = Code::of(&literal_counts, 15);
    let distances = Code::of(&distance_counts, 15);
    bits.put(u32::from(is_last) | 2 << 1, 3);
    write_codes(bits, &literals, &distances);
    for symbol in symbols {
        write_symbol(bits, symbol, &literals, &distances);
    }
    literals.put(bits, END_OF_BLOCK);
}

fn write_symbol(bits: &mut BitWriter, symbol: &Symbol, literals: &Code, distances: &Code) {
    if symbol.distance == 0 {
        literals.put(bits, usize::from(symbol.value));
        return;
    }
    let class = class_of(&LENGTH_BASES, symbol.value);
    let extra = if (8..28).contains(&class) { class as u32 / 4 - 1 } else { 0 };
    literals.put(bits, 257 + class);
    bits.put(u32::from(symbol.value - LENGTH_BASES[class]), extra);
    let class = class_of(&DISTANCE_BASES, symbol.distance);
    distances.put(bits, class);
    bits.put(u32::from(symbol.distance - DISTANCE_BASES[class]), (class as u32 / 2).saturating_sub(1));
}

/// The last class that begins at or below a value.
fn class_of(bases: &[u16], value: u16) -> usize {
    bases.partition_point(|base| *base <= value) - 1
}

/// Sends the lengths of both codes, run by run, in a code of their own.
fn write_codes(bits: &mut BitWriter, literals: &Code, distances: &Code) {
    let literal_count = used(&literals.lengths).max(257);
    let distance_count = used(&distances.lengths).max(1);
    let lengths = [&literals.lengths[..literal_count], &distances.lengths[..distance_count]].concat();
    let runs = to_runs(&lengths);
    let mut counts = vec![0u32; 19];
    runs.iter().for_each(|(symbol, _, _)| counts[*symbol] += 1);
    let code = Code::of(&counts, 7);
    let sent = LENGTH_ORDER.iter().rposition(|symbol| code.lengths[*symbol] > 0).map_or(4, |last| (last + 1).max(4));
    bits.put(literal_count as u32 - 257, 5);
    bits.put(distance_count as u32 - 1, 5);
    bits.put(sent as u32 - 4, 4);
    LENGTH_ORDER[..sent].iter().for_each(|symbol| bits.put(u32::from(code.lengths[*symbol]), 3));
    for (symbol, extra, extra_bits) in runs {
        code.put(bits, symbol);
        bits.put(extra, extra_bits);
    }
}

fn used(lengths: &[u8]) -> usize {
    lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1)
}

/// Lengths as symbols with extra bits: 16 repeats the one before 3 to 6 times, 17 and 18 are 3 to 10 and 11 to 138 zeros.
fn to_runs(lengths: &[u8]) -> Vec<(usize, u32, u32)> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < lengths.len() {
        let length = lengths[at];
        let mut left = lengths[at..].iter().take_while(|each| **each == length).count();
        at += left;
        if length > 0 {
            runs.push((usize::from(length), 0, 0));
            left -= 1;
        }
        while left >= 3 {
            let (symbol, least, most, bits) = match (length, left) {
                (0, 11..) => (18, 11, 138, 7),
                (0, _) => (17, 3, 10, 3),
                _ => (16, 3, 6, 2),
            };
            let part = left.min(most);
            runs.push((symbol, (part - least) as u32, bits));
            left -= part;
        }
        runs.extend(std::iter::repeat((usize::from(length), 0, 0)).take(left));
    }
    runs
}

// ---- codes ----

/// A canonical Huffman code.
struct Code {
    lengths: Vec<u8>,
    /// Bit by bit the other way round, as they are sent.
    words: Vec<u16>,
}

impl Code {
    fn of(counts: &[u32], most: u8) -> Code {
        let mut flat = counts.to_vec();
        let mut lengths = code_lengths(&flat);
        // Rarely a word is too long: with flatter counts it is not.
        while lengths.iter().any(|length| *length > most) {
            flat.iter_mut().filter(|count| **count > 0).for_each(|count| *count = *count / 2 + 1);
            lengths = code_lengths(&flat);
        }
        let mut next = [0u16; 17];
        for length in 1..=15 {
            let shorter = lengths.iter().filter(|each| usize::from(**each) == length - 1 && **each > 0).count() as u16;
            next[length] = (next[length - 1] + shorter) << 1;
        }
        let words = lengths.iter().map(|length| {
            let word = next[usize::from(*length)];
            next[usize::from(*length)] += 1;
            word.reverse_bits().checked_shr(16 - u32::from(*length)).unwrap_or(0)
        });
        Code { words: words.collect(), lengths }
    }

    fn put(&self, bits: &mut BitWriter, symbol: usize) {
        bits.put(u32::from(self.words[symbol]), u32::from(self.lengths[symbol]));
    }
}

/// The depth of each symbol in a Huffman tree; a code of one symbol has one bit.
fn code_lengths(counts: &[u32]) -> Vec<u8> {
    let mut lengths = vec![0u8; counts.len()];
    // Leaves in the order of their counts, and trees in the order of their making, which is the same order.
    let mut leaves: Vec<usize> = (0..counts.len()).filter(|symbol| counts[*symbol] > 0).collect();
    leaves.sort_by_key(|symbol| counts[*symbol]);
    if let [only] = leaves[..] {
        lengths[only] = 1;
        return lengths;
    }
    let mut trees: Vec<(u32, [usize; 2])> = Vec::new();
    let (mut leaf, mut tree) = (0, 0);
    for _ in 1..leaves.len() {
        let mut count = 0;
        let children = [(); 2].map(|()| {
            let is_leaf = leaf < leaves.len() && trees.get(tree).map_or(true, |(sum, _)| counts[leaves[leaf]] <= *sum);
            if is_leaf {
                leaf += 1;
                count += counts[leaves[leaf - 1]];
                leaf - 1
            } else {
                tree += 1;
                count += trees[tree - 1].0;
                leaves.len() + tree - 1
            }
        });
        trees.push((count, children));
    }
    let mut depths = vec![0u8; trees.len()];
    for number in (0..trees.len()).rev() {
        for child in trees[number].1 {
            match child.checked_sub(leaves.len()) {
                Some(inner) => depths[inner] = depths[number] + 1,
                None => lengths[leaves[child]] = depths[number] + 1,
            }
        }
    }
    lengths
}

// ---- bits ----

struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter {
    fn put(&mut self, bits: u32, count: u32) {
        self.held |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

fn adler32(data: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    // As many as fit before the sums overflow.
    for chunk in data.chunks(5_552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= 65_521;
        b %= 65_521;
    }
    b << 16 | a
}
