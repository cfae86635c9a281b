//! Opens a file or stream whatever its compression: gzip, bzip2, zstd and xz are recognised by their first bytes, not
//! by the name, and everything is decompressed as it is read, in bounded memory.
//!
//! Several compressed members one after the other (what `cat a.gz b.gz` makes) are read as one stream. Data that ends
//! before its compressed stream does is an error, never a silent end.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a stream is compressed, told from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    Plain,
    /// RFC 1952, one or many members.
    Gzip,
    /// One or many bzip2 streams.
    Bzip2,
    /// RFC 8878, one or many frames.
    Zstd,
    /// The `.xz` container, one or many streams.
    Xz,
}

/// Why an input could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path is a directory.
    #[error("{}: is a directory; name a file in it", path.display())]
    Directory {
        /// The path asked for.
        path: PathBuf,
    },
    /// An archive or a compression that is not read here.
    #[error("{name}: is a {kind}, which is not read here; unpack it first")]
    Unsupported {
        /// The name of the input.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// The operating system refused.
    #[error("{name}: {source}")]
    Io {
        /// The name of the input.
        name: String,
        /// What the system says.
        source: io::Error,
    },
}

/// What a broken compressed stream gives, as the inner error of an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecompressError {
    /// The data ends before the compressed stream does.
    #[error("the {0} data ends in the middle; the file is cut short, fetch or copy it again")]
    Truncated(Compression),
    /// The data is not what its first bytes promise.
    #[error("the {0} data is damaged ({1})")]
    Damaged(Compression, String),
    /// The data expands to so many times its size that it is not meant to be read.
    #[error(
        "the {0} data expands to more than {EXPANSION_MAX} times its size, as no log or table does, and is taken for a zip \
         bomb; unpack it first if it is meant"
    )]
    Bomb(Compression),
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        })
    }
}

/// Opens a file for reading its decompressed bytes.
///
/// # Errors
/// When the file cannot be opened, is a directory, or is an archive; later reads fail as told at [`decompress`].
pub fn open_decompressed(path: &Path) -> Result<Box<dyn Read + Send>, OpenError> {
    let name = path.display().to_string();
    let named = |source| OpenError::Io { name: name.clone(), source };
    // Opening a directory succeeds on Unix; only reading it would fail, with a less helpful message.
    if path.is_dir() {
        return Err(OpenError::Directory { path: path.to_owned() });
    }
    let file = File::open(path).map_err(named)?;
    decompress(&name, file).map(|(_, reader)| reader)
}

/// Recognises the compression of a stream, and gives a reader of its decompressed bytes. `name` (a path, or
/// `standard input`) appears in the errors.
///
/// Reading from the result is efficient only in large pieces: a caller that reads lines wraps it in its own buffer.
///
/// # Errors
/// When the first bytes cannot be read or are those of an archive. Later reads fail with an [`io::Error`] that carries
/// a [`DecompressError`]: of kind `UnexpectedEof` when the data is cut short, `InvalidData` when it is damaged.
pub fn decompress(
    name: &str,
    mut reader: impl Read + Send + 'static,
) -> Result<(Compression, Box<dyn Read + Send>), OpenError> {
    let mut head = [0; LONGEST_MAGIC];
    let length =
        read_up_to(&mut reader, &mut head).map_err(|source| OpenError::Io { name: name.to_owned(), source })?;
    let compression =
        recognise(&head[..length]).map_err(|kind| OpenError::Unsupported { name: name.to_owned(), kind })?;
    let whole = Cursor::new(head).take(length as u64).chain(reader);
    if compression == Compression::Plain {
        return Ok((compression, Box::new(whole)));
    }
    let taken = Arc::new(AtomicU64::new(0));
    let input = BufReader::with_capacity(COMPRESSED_BUFFER_BYTES, Taken { inner: whole, taken: Arc::clone(&taken) });
    let inner: Box<dyn Read + Send> = match compression {
        Compression::Plain => Box::new(input),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        Compression::Zstd => Box::new(
            zstd::stream::read::Decoder::with_buffer(input)
                .map_err(|source| OpenError::Io { name: name.to_owned(), source })?,
        ),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY_KIBIBYTES)),
    };
    Ok((compression, Box::new(Explained { inner, compression, taken, given: 0 })))
}

const LONGEST_MAGIC: usize = 10;
const COMPRESSED_BUFFER_BYTES: usize = 64 * 1024;
/// `xz -9` needs 65 MiB to decompress; more is asked for only by unusual settings or hostile files.
const XZ_MEMORY_KIBIBYTES: u32 = 256 * 1024;

/// Logs come to ten or some ten times; zeros come to a thousand in gzip, and to far more elsewhere.
const EXPANSION_MAX: u64 = 500;
/// Less than this is read whatever it expands from.
const EXPANDED_BYTES_FREE: u64 = 1 << 30;

fn recognise(head: &[u8]) -> Result<Compression, &'static str> {
    // An ordinary text may begin with "BZh1", so the mark of the first block (or of the end) is asked for as well.
    let is_bzip2 = matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', block @ ..]
        if block == b"1AY&SY" || block == b"\x17\x72\x45\x38\x50\x90");
    match head {
        [0x1f, 0x8b, ..] => Ok(Compression::Gzip),
        _ if is_bzip2 => Ok(Compression::Bzip2),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Compression::Xz),
        [b'P', b'K', 3, 4, ..] => Err("zip archive"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Err("7z archive"),
        [0x1f, 0x9d, ..] => Err(".Z (compress) file"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Err("lz4 file"),
        _ => Ok(Compression::Plain),
    }
}

/// Fills the buffer as far as the stream reaches, as pipes and servers may deliver a few bytes at a time; gives the number of
/// bytes read, which is less than the buffer's length only at the end of the stream.
///
/// # Errors
/// When the stream fails; an interrupted read is tried again.
pub fn read_up_to(reader: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Tells how much of the compressed data was taken.
struct Taken<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Taken<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Turns the decoders' several ways of saying "cut short" and "damaged" into [`DecompressError`], and stops at bombs.
struct Explained {
    inner: Box<dyn Read + Send>,
    compression: Compression,
    /// Bytes of compressed data.
    taken: Arc<AtomicU64>,
    /// Bytes that they expanded to.
    given: u64,
}

impl Read for Explained {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given > EXPANDED_BYTES_FREE && self.given / EXPANSION_MAX > self.taken.load(Ordering::Relaxed) {
            return Err(io::Error::new(ErrorKind::InvalidData, DecompressError::Bomb(self.compression)));
        }
        let count = self.inner.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => {
                io::Error::new(ErrorKind::UnexpectedEof, DecompressError::Truncated(self.compression))
            }
            // What the decoders use for their own complaints; anything else comes from the file itself.
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::Other => {
                io::Error::new(ErrorKind::InvalidData, DecompressError::Damaged(self.compression, error.to_string()))
            }
            _ => error,
        })?;
        self.given += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn compressed(compression: Compression, data: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Plain => data.to_vec(),
            Compression::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                writer.write_all(data).unwrap();
                writer.finish().unwrap()
            }
            Compression::Bzip2 => {
                let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
                writer.write_all(data).unwrap();
                writer.finish().unwrap()
            }
            Compression::Zstd => {
                let mut writer = zstd::Encoder::new(Vec::new(), 3).unwrap();
                // As the `zstd` program does; without it, damage could pass unnoticed.
                writer.include_checksum(true).unwrap();
                writer.write_all(data).unwrap();
                writer.finish().unwrap()
            }
            Compression::Xz => {
                let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
                writer.write_all(data).unwrap();
                writer.finish().unwrap()
            }
        }
    }

    fn read_back(bytes: Vec<u8>) -> (Compression, io::Result<Vec<u8>>) {
        let (compression, mut reader) = decompress("test", Cursor::new(bytes)).unwrap();
        let mut out = Vec::new();
        (compression, reader.read_to_end(&mut out).map(|_| out))
    }

    const ALL: [Compression; 5] =
        [Compression::Plain, Compression::Gzip, Compression::Bzip2, Compression::Zstd, Compression::Xz];

    fn text() -> Vec<u8> {
        (0..300).flat_map(|index: u32| format!("line {}\n", index.wrapping_mul(2_654_435_761)).into_bytes()).collect()
    }

    #[test]
    fn every_compression_is_recognised_and_read_whole_even_in_several_members() {
        for compression in ALL {
            let (found, read) = read_back(compressed(compression, &text()));
            assert_eq!((found, read.unwrap()), (compression, text()));
            let twice = [compressed(compression, &text()), compressed(compression, b"more")].concat();
            assert_eq!(read_back(twice).1.unwrap(), [&text()[..], b"more"].concat(), "{compression}");
            assert_eq!(read_back(compressed(compression, b"")).1.unwrap(), b"", "{compression}");
        }
    }

    #[test]
    fn a_stream_cut_anywhere_is_an_error_that_says_so() {
        for compression in &ALL[1..] {
            let whole = compressed(*compression, &text());
            // Shorter than its magic number it is not recognised as compressed at all.
            for length in LONGEST_MAGIC..whole.len() {
                let error = read_back(whole[..length].to_vec()).1.expect_err("cut short");
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{compression} cut at {length}: {error}");
                assert!(error.to_string().contains("ends in the middle"), "{compression} cut at {length}: {error}");
            }
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        for compression in &ALL[1..] {
            let whole = compressed(*compression, &text());
            let mut broken = whole.clone();
            let middle = broken.len() / 2;
            broken[middle] ^= 0x55;
            assert!(read_back(broken).1.is_err(), "{compression}");
            // Rubbish after the last member is not data that may be ignored.
            assert!(read_back([&whole[..], b"rubbish"].concat()).1.is_err(), "{compression}");
        }
    }

    #[test]
    fn what_expands_without_measure_is_not_read_to_its_end() {
        // Bzip2 takes its time.
        for compression in &[Compression::Gzip, Compression::Zstd, Compression::Xz] {
            // Many members of zeros, four gibibytes of them in all.
            let member = compressed(*compression, &vec![0; 16 << 20]);
            let (_, mut reader) = decompress("test", Cursor::new(member.repeat(256))).unwrap();
            let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
            assert!(error.to_string().contains("zip bomb"), "{compression}: {error}");
        }
    }

    #[test]
    fn text_that_only_looks_compressed_passes() {
        for text in ["BZh9 - - [01/Jul/1995", "", "B", "PK"] {
            assert_eq!(read_back(text.into()).1.unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn directories_missing_files_and_archives_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| open_decompressed(path).err().unwrap().to_string();
        assert!(refused(folder.path()).ends_with("is a directory; name a file in it"));
        assert!(refused(&folder.path().join("absent.log")).contains("absent.log: "));
        let zip = folder.path().join("logs.zip");
        std::fs::write(&zip, b"PK\x03\x04 and so on").unwrap();
        assert!(refused(&zip).ends_with("logs.zip: is a zip archive, which is not read here; unpack it first"));
    }
}
