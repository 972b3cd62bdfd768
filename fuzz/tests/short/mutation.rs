//! Inputs made from other inputs by small changes, the same for the same seed.

/// The most bytes of an input.
const INPUT_BYTES_MAX: usize = 4096;

/// The most changes between an input of the corpus and the one that is made from it.
const CHANGES_MAX: usize = 5;

/// The most bytes that one change inserts, removes or repeats.
const RANGE_BYTES_MAX: usize = 64;

/// Bytes that mean something to one of the readers.
const BYTES: &[u8] = b"\0\x01\x02\x08\x0a\x12\x1a\x7f\x80\xff[]{}\",:.-+eE0 \n\\/nt";

/// Numbers at the edges of what the readers take.
const NUMBERS: [&str; 16] = [
    "0",
    "-0",
    "1",
    "-1",
    "255",
    "256",
    "65504",
    "16777217",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551615",
    "1e23",
    "5e-324",
    "3.4028235677973366e38",
    "1e999",
    "0.000000000000000000000000000000000000011754942807573643",
];

/// Words at the edges of what a length or a size may be.
const WORDS: [u64; 10] =
    [0, 1, 4, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff];

/// Makes inputs without end.
pub struct Mutator<'c> {
    corpus: &'c [Vec<u8>],
    state: u64,
}

impl<'c> Mutator<'c> {
    /// Makes inputs from those of `corpus`, which has at least one.
    pub fn new(corpus: &'c [Vec<u8>], seed: u64) -> Self {
        assert!(!corpus.is_empty(), "a corpus to begin with");
        Self { corpus, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// A number below `sides`; 0 when there are none.
    fn roll(&mut self, sides: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap_or(0) % sides.max(1)
    }

    fn other(&mut self) -> &'c [u8] {
        &self.corpus[self.roll(self.corpus.len())]
    }

    /// A short range of `length` bytes' positions.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.roll(length);
        start..start + self.roll((length - start).min(RANGE_BYTES_MAX) + 1)
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.roll(input.len() + 1);
        match self.roll(9) {
            0 => {
                let bit = self.roll(8);
                input.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
            }
            1 => {
                let byte = BYTES[self.roll(BYTES.len())];
                input.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
            2 => input.insert(at, BYTES[self.roll(BYTES.len())]),
            3 => drop(input.drain(self.range(input.len()))),
            4 => {
                let repeated = input[self.range(input.len())].repeat(1 + self.roll(4));
                drop(input.splice(at..at, repeated));
            }
            5 => {
                let other = self.other();
                let taken = &other[self.range(other.len())];
                drop(input.splice(at..at, taken.iter().copied()));
            }
            6 => {
                let other = self.other();
                input.truncate(at);
                input.extend_from_slice(&other[self.roll(other.len() + 1)..]);
            }
            7 => {
                let number = NUMBERS[self.roll(NUMBERS.len())];
                let start = (at..input.len()).find(|&at| input[at].is_ascii_digit()).unwrap_or(input.len());
                let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                drop(input.splice(start..start + digits, number.bytes()));
            }
            _ => {
                let word = WORDS[self.roll(WORDS.len())].to_le_bytes();
                let length = (1 << self.roll(4)).min(input.len() - at);
                input[at..at + length].copy_from_slice(&word[..length]);
            }
        }
    }
}

impl Iterator for Mutator<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut input = self.other().to_vec();
        for _ in 0..=self.roll(CHANGES_MAX) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        Some(input)
    }
}
