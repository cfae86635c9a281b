//! Plain numbers, one per interval, separated by any white space: `52 55 48`, on one line or many.
//!
//! Five million numbers are read in a few hundredths of a second: whole numbers of up to 15 digits, which are nearly
//! all of them, are summed up digit by digit; anything else goes through the standard library's parser.

use std::io::{ErrorKind, Read};

use super::error::{Place, Problem, SourceError};
use crate::series::is_load;

const CHUNK_BYTES: usize = 256 * 1024;
/// Longer than any sensible way of writing a number: what is longer is not one, and must not fill the memory.
const TOKEN_BYTES_MAX: usize = 1_100;

/// Reads all numbers of a stream.
pub(super) fn read_numbers(name: &str, reader: &mut dyn Read) -> Result<Vec<f64>, SourceError> {
    let mut numbers = Numbers { name, line: 1, values: Vec::new() };
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut kept = 0;
    loop {
        let count = match reader.read(&mut buffer[kept..]) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(source) => return Err(SourceError::Read { name: name.to_owned(), source }),
        };
        let filled = kept + count;
        if count == 0 {
            numbers.take(&buffer[..filled])?;
            return Ok(numbers.values);
        }
        // The last number may go on in the next chunk, so it is kept for then.
        let end = buffer[..filled].iter().rposition(u8::is_ascii_whitespace).map_or(0, |index| index + 1);
        numbers.take(&buffer[..end])?;
        if filled - end > TOKEN_BYTES_MAX {
            return Err(numbers.wrong(&buffer[end..filled]));
        }
        buffer.copy_within(end..filled, 0);
        kept = filled - end;
    }
}

struct Numbers<'a> {
    name: &'a str,
    line: u64,
    values: Vec<f64>,
}

impl Numbers<'_> {
    /// Takes the numbers of a text that does not end within one.
    fn take(&mut self, text: &[u8]) -> Result<(), SourceError> {
        let mut index = 0;
        while index < text.len() {
            let start = index;
            let mut whole: u64 = 0;
            while let Some(digit) = text.get(index).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
                whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
                index += 1;
            }
            match text.get(index) {
                None | Some(b' ' | b'\n' | b'\t' | b'\r' | b'\x0c') if index > start && index - start <= 15 => {
                    self.values.push(whole as f64);
                }
                Some(byte) if index == start && byte.is_ascii_whitespace() => {}
                _ => {
                    index += text[index..].iter().position(u8::is_ascii_whitespace).unwrap_or(text.len() - index);
                    let value = self.parse(&text[start..index])?;
                    self.values.push(value);
                }
            }
            self.line += u64::from(text.get(index) == Some(&b'\n'));
            index += 1;
        }
        Ok(())
    }

    fn parse(&self, token: &[u8]) -> Result<f64, SourceError> {
        let value: Option<f64> = str::from_utf8(token).ok().and_then(|text| text.parse().ok());
        value.filter(|value| is_load(*value)).ok_or_else(|| self.wrong(token))
    }

    fn wrong(&self, token: &[u8]) -> SourceError {
        let shown: String = String::from_utf8_lossy(token).chars().take(40).collect();
        let place = Place::Number { line: self.line, number: self.values.len() as u64 + 1 };
        let problem = if shown.parse::<f64>().is_ok() { Problem::NotALoad(shown) } else { Problem::NotANumber(shown) };
        SourceError::At { name: self.name.to_owned(), place, problem }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<f64>, String> {
        read_numbers("test", &mut text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_read_in_every_form_and_white_space() {
        let text = "52 0\t7\r\n\n 3.5\n1e3 +4 1234567890123456789 00000000000000000008\x0c9";
        let expected = [52.0, 0.0, 7.0, 3.5, 1000.0, 4.0, 1_234_567_890_123_456_789.0, 8.0, 9.0];
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read(" \n").unwrap(), [0.0; 0]);
    }

    #[test]
    fn what_is_no_load_is_refused_with_its_place() {
        assert!(read("1 2\n3 many 5").unwrap_err().starts_with("test, line 2, number 4: \"many\" is not a number"));
        for text in ["1 -2", "1 NaN", "1 inf", "1 1e999"] {
            let message = read(text).unwrap_err();
            assert!(message.starts_with("test, line 1, number 2: ") && message.contains("not a load"), "{message}");
        }
        assert!(read(&"x".repeat(1_000_000)).unwrap_err().contains("not a number"));
    }

    proptest! {
        #[test]
        fn chunk_borders_change_nothing(
            values in prop::collection::vec(prop_oneof![0.0..1e18_f64, (0_u32..100).prop_map(f64::from)], 0..200),
            chunk in 1_usize..9,
        ) {
            struct Slow<'a>(&'a [u8], usize);
            impl Read for Slow<'_> {
                fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                    let length = self.1.min(buffer.len());
                    self.0.read(&mut buffer[..length])
                }
            }
            let text: Vec<String> = values.iter().map(f64::to_string).collect();
            let text = text.join("\n");
            prop_assert_eq!(read_numbers("test", &mut Slow(text.as_bytes(), chunk)).unwrap(), values);
        }
    }
}
