//! What is counted of each line, on one thread, and brought together.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::heavy_hitters::HeavyHitters;
use super::in_order::InOrder;
use super::names::{KEPT_BYTES, Key, NameCounts, Names};
use super::seconds::Seconds;
use super::sizes::SizeBins;
use crate::Step;
use crate::log::{
    Count, Counter, LogError, Malformed, Place, QuickLine, Rows, hand_over, parse_line, referrer_and_agent,
    split_request,
};

/// Names kept for certain of what there can be very many of, such as clients.
const MANY: usize = 1 << 16;
/// The same of what there are few of, such as methods, unless somebody plays tricks.
const FEW: usize = 1 << 10;
/// Statuses have three digits.
pub(super) const STATUSES: usize = 1000;
/// The type of a resource whose path has no ending.
pub(super) const NO_ENDING: &[u8] = b"(none)";
/// Longer than any usual ending of a file.
const ENDING_BYTES_MAX: usize = 8;

/// What all threads have in common.
pub(super) struct Shared {
    pub(super) step: Step,
    /// Seconds since 1970 of the lines that are counted.
    pub(super) window: Range<i64>,
    /// The same of the time before, of which only sums are kept.
    pub(super) before: Range<i64>,
    pub(super) lists: InOrder<Box<Chunk>, Lists>,
    pub(super) rows: Mutex<Rows>,
    pub(super) rows_before: Mutex<Rows>,
    pub(super) sums: Mutex<Sums>,
}

/// What is counted in the order of the lines.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) clients: HeavyHitters,
    pub(super) resources: HeavyHitters,
    pub(super) referrers: HeavyHitters,
    pub(super) agents: HeavyHitters,
    pub(super) methods: HeavyHitters,
    pub(super) protocols: HeavyHitters,
    pub(super) file_types: HeavyHitters,
}

impl Default for Lists {
    fn default() -> Self {
        let (many, few) = (|| HeavyHitters::new(MANY), || HeavyHitters::new(FEW));
        Self {
            clients: many(),
            resources: many(),
            referrers: many(),
            agents: many(),
            methods: few(),
            protocols: few(),
            file_types: few(),
        }
    }
}

impl Lists {
    fn merge(&mut self, chunk: &Chunk) {
        self.clients.merge(&chunk.clients);
        self.resources.merge(&chunk.parts.resources);
        self.referrers.merge(&chunk.parts.referrers);
        self.agents.merge(&chunk.parts.agents);
        self.methods.merge(&chunk.parts.methods);
        self.protocols.merge(&chunk.parts.protocols);
        self.file_types.merge(&chunk.parts.file_types);
    }
}

/// The names in one chunk of lines.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    clients: Names,
    /// Whole request lines, of which resources, methods, protocols and types are made once the chunk is read.
    requests: Names,
    /// What is behind the sizes, of which referrers and agents are made.
    ends: Names,
    parts: Parts,
}

impl Chunk {
    #[inline]
    fn count_request(&mut self, request: &[u8], counts: &NameCounts) {
        if request.len() <= KEPT_BYTES {
            count(&mut self.requests, request, counts);
        } else {
            self.parts.count_request(request, counts);
        }
    }

    #[inline]
    fn count_end(&mut self, end: &[u8], counts: &NameCounts) {
        if end.len() <= KEPT_BYTES {
            count(&mut self.ends, end, counts);
        } else {
            self.parts.count_end(end, counts);
        }
    }

    /// Takes the request lines and the ends apart.
    fn split(&mut self) {
        self.requests.iter().for_each(|(key, counts)| self.parts.count_request(key.name(), counts));
        self.ends.iter().for_each(|(key, counts)| self.parts.count_end(key.name(), counts));
    }

    fn clear(&mut self) {
        let Parts { resources, methods, protocols, file_types, referrers, agents } = &mut self.parts;
        let all = [&mut self.clients, &mut self.requests, &mut self.ends, resources, methods, protocols];
        all.into_iter().chain([file_types, referrers, agents]).for_each(Names::clear);
    }
}

/// The names within request lines and what is behind the sizes.
#[derive(Debug, Default)]
struct Parts {
    resources: Names,
    methods: Names,
    protocols: Names,
    file_types: Names,
    referrers: Names,
    agents: Names,
}

impl Parts {
    fn count_request(&mut self, request: &[u8], counts: &NameCounts) {
        let (method, resource, protocol) = split_request(request);
        count(&mut self.methods, method, counts);
        count(&mut self.resources, resource, counts);
        count(&mut self.protocols, protocol, counts);
        if !resource.is_empty() {
            count_type(&mut self.file_types, resource, counts);
        }
    }

    fn count_end(&mut self, end: &[u8], counts: &NameCounts) {
        let (referrer, agent) = referrer_and_agent(end);
        self.count_referrer_and_agent(referrer, agent, counts);
    }

    fn count_referrer_and_agent(&mut self, referrer: Option<&[u8]>, agent: Option<&[u8]>, counts: &NameCounts) {
        count(&mut self.referrers, referrer.unwrap_or_default(), counts);
        count(&mut self.agents, agent.unwrap_or_default(), counts);
    }
}

/// Counts for a name; an empty one and `-` mean that the server did not know.
#[inline]
fn count(names: &mut Names, name: &[u8], counts: &NameCounts) {
    if !matches!(name, b"" | b"-") {
        names.add(&Key::of(name), counts);
    }
}

fn count_type(types: &mut Names, resource: &[u8], counts: &NameCounts) {
    let mut lower = [0; ENDING_BYTES_MAX];
    let ending = ending(resource);
    match lower.get_mut(..ending.len()) {
        Some(lower) if !ending.is_empty() => {
            lower.copy_from_slice(ending);
            lower.make_ascii_lowercase();
            types.add(&Key::of(lower), counts);
        }
        _ => {
            types.add(&Key::of(NO_ENDING), counts);
        }
    }
}

/// The ending of a resource's path, such as `gif`; empty where there is none.
fn ending(resource: &[u8]) -> &[u8] {
    let path_end = resource.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(resource.len());
    let path = &resource[..path_end];
    let name = memchr::memrchr(b'/', path).map_or(path, |slash| &path[slash + 1..]);
    match memchr::memrchr(b'.', name) {
        Some(dot) if dot > 0 && name[dot + 1..].iter().all(u8::is_ascii_alphanumeric) => &name[dot + 1..],
        _ => b"",
    }
}

/// Sums in which the order of the lines does not matter, besides those per interval.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) statuses: Box<[NameCounts]>,
    pub(super) sizes: SizeBins,
    pub(super) seconds: Seconds,
    /// The first and the last second of a line that is outside of both windows.
    pub(super) outside: Option<(i64, i64)>,
}

impl Default for Sums {
    fn default() -> Self {
        let (sizes, seconds) = (SizeBins::default(), Seconds::default());
        Self { statuses: vec![NameCounts::default(); STATUSES].into_boxed_slice(), sizes, seconds, outside: None }
    }
}

impl Sums {
    fn take(&mut self, other: Self) {
        self.statuses.iter_mut().zip(other.statuses.iter()).for_each(|(mine, theirs)| mine.add(theirs));
        self.sizes.take(&other.sizes);
        self.seconds.take(other.seconds);
        if let Some((first, last)) = other.outside {
            self.see_outside(first);
            self.see_outside(last);
        }
    }

    #[cold]
    fn see_outside(&mut self, second: i64) {
        let (first, last) = self.outside.unwrap_or((second, second));
        self.outside = Some((first.min(second), last.max(second)));
    }
}

/// Counts on one thread.
pub(super) struct Worker<'all> {
    shared: &'all Shared,
    counter: Counter,
    counter_before: Counter,
    sums: Sums,
    chunk: Box<Chunk>,
}

impl<'all> Worker<'all> {
    pub(super) fn new(shared: &'all Shared) -> Self {
        let counter = || Counter::new(shared.step.seconds());
        Self { shared, counter: counter(), counter_before: counter(), sums: Sums::default(), chunk: Box::default() }
    }

    /// Counts what needs no names; whether the line is in the window, so that its names count as well.
    #[inline]
    fn count_essentials(&mut self, line: crate::log::Essentials, place: Place) -> bool {
        if !self.shared.window.contains(&line.second) {
            if self.shared.before.contains(&line.second) {
                self.counter_before.add(line, place);
            } else {
                self.sums.see_outside(line.second);
            }
            return false;
        }
        self.counter.add(line, place);
        self.sums.seconds.add(line.second, line.status >= 400);
        self.sums.sizes.add(line.size);
        if let Some(counts) = self.sums.statuses.get_mut(usize::from(line.status)) {
            counts.add(&NameCounts::of_line(line.size, line.status));
        }
        true
    }
}

impl Count for Worker<'_> {
    #[inline]
    fn quick(&mut self, text: &[u8], line: &QuickLine, place: Place) {
        if self.count_essentials(line.essentials, place) {
            let counts = NameCounts::of_line(line.essentials.size, line.essentials.status);
            let (client, request) = line.client_and_request(text);
            count(&mut self.chunk.clients, client, &counts);
            self.chunk.count_request(request, &counts);
            self.chunk.count_end(line.more(text), &counts);
        }
    }

    fn slow(&mut self, line: &[u8], place: Place) -> Result<(), Malformed> {
        let record = parse_line(line)?;
        if self.count_essentials(record.essentials(), place) {
            let counts = NameCounts::of_line(record.size, record.status);
            count(&mut self.chunk.clients, &record.ip, &counts);
            self.chunk.count_request(&record.request, &counts);
            let (referrer, agent) = (record.referrer.as_deref(), record.agent.as_deref());
            self.chunk.parts.count_referrer_and_agent(referrer, agent, &counts);
        }
        Ok(())
    }

    fn end_chunk(&mut self, number: u64) -> Result<(), LogError> {
        self.chunk.split();
        let chunk = std::mem::take(&mut self.chunk);
        if let Some(mut spare) = self.shared.lists.put(number, chunk, |lists, chunk| lists.merge(chunk)) {
            spare.clear();
            self.chunk = spare;
        }
        if self.sums.seconds.is_large() {
            self.sums.seconds.settle();
            let seconds = std::mem::take(&mut self.sums.seconds);
            self.shared.sums.lock().unwrap_or_else(PoisonError::into_inner).seconds.take(seconds);
        }
        if self.counter.is_large() {
            hand_over(&mut self.counter, &self.shared.rows, self.shared.step)?;
        }
        if self.counter_before.is_large() {
            hand_over(&mut self.counter_before, &self.shared.rows_before, self.shared.step)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), LogError> {
        self.counter.settle();
        self.counter_before.settle();
        self.sums.seconds.settle();
        let sums = std::mem::take(&mut self.sums);
        self.shared.sums.lock().unwrap_or_else(PoisonError::into_inner).take(sums);
        hand_over(&mut self.counter, &self.shared.rows, self.shared.step)?;
        hand_over(&mut self.counter_before, &self.shared.rows_before, self.shared.step)
    }
}

impl Drop for Worker<'_> {
    /// The chunk of a thread that panics will never come; the others must not wait for it.
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.lists.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use super::*;

    fn shared() -> Shared {
        Shared {
            step: Step::MINUTE,
            window: i64::MIN..i64::MAX,
            before: 0..0,
            lists: InOrder::new(Lists::default()),
            rows: Mutex::new(Rows::default()),
            rows_before: Mutex::new(Rows::default()),
            sums: Mutex::new(Sums::default()),
        }
    }

    #[test]
    fn nobody_waits_for_a_thread_that_panics() {
        let shared = Arc::new(shared());
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let panicking = Worker::new(&shared);
            let _ = catch_unwind(AssertUnwindSafe(move || {
                let _chunk_0 = panicking;
                panic!("on purpose");
            }));
            let mut other = Worker::new(&shared);
            let ends = (1..100).all(|number| other.end_chunk(number).is_ok());
            sender.send(ends)
        });
        assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(true));
    }

    #[test]
    fn a_thread_keeps_the_seconds_of_few_minutes_to_itself() {
        let shared = shared();
        let mut worker = Worker::new(&shared);
        for number in 0..20 {
            for minute in 0..1_000 {
                worker.sums.seconds.add((number * 1_000 + minute) * 60, false);
            }
            worker.end_chunk(number as u64).unwrap();
            assert!(!worker.sums.seconds.is_large());
        }
        worker.finish().unwrap();
        let seconds = &shared.sums.lock().unwrap().seconds;
        let counts = seconds.within(&(0..20_000 * 60)).unwrap();
        assert_eq!(counts.requests.iter().sum::<u32>(), 20_000);
    }

    #[test]
    fn endings_of_paths() {
        for (resource, expected) in [
            ("/images/NASA-logosmall.gif", "gif"),
            ("/a.tar.gz?x=1.2/3#y.z", "gz"),
            ("/cgi-bin/imagemap/countdown?102,174", ""),
            ("/dir.d/file", ""),
            ("/.htaccess", ""),
            ("/", ""),
            ("", ""),
            ("/x.", ""),
            ("/v1.0/users", ""),
            ("/a.b c", ""),
        ] {
            assert_eq!(ending(resource.as_bytes()), expected.as_bytes(), "{resource}");
        }
    }
}
