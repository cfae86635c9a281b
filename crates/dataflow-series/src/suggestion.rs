//! The name that was likely meant, for errors about names that do not exist.

/// The nearest candidate in brackets, or nothing where none is near.
pub fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(text, candidate);
    let nearest = candidates.into_iter().min_by_key(distance);
    // A third of the letters wrong is another word, not a slip.
    match nearest.filter(|candidate| distance(candidate) * 3 <= candidate.len()) {
        Some(candidate) => format!(" (did you mean {candidate}?)"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_corrected_and_another_word_is_not() {
        let names = ["naive", "ridge", "seasonal-naive"];
        assert_eq!(did_you_mean("rigde", names), " (did you mean ridge?)");
        assert_eq!(did_you_mean("prophet", names), "");
        assert_eq!(did_you_mean("ridge", []), "");
    }
}
