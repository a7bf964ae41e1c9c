//! Whether anybody asked for the list of revoked certificates that a certificate names.

use wirelab_model::Trial;

/// A clause for people; empty where the certificate names no list.
pub(crate) fn in_words(trial: &Trial) -> String {
    match trial.peer.as_ref().and_then(|peer| peer.list_fetched) {
        None => String::new(),
        Some(0) => "; nobody fetched the list of revoked certificates".into(),
        Some(times) => format!("; the list of revoked certificates was fetched {times}x"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::refusal;

    #[test]
    fn it_is_told_where_there_is_a_list_only() {
        let mut trial = refusal();
        assert_eq!(in_words(&trial), "");
        for (times, word) in [(0, "nobody"), (2, "2x")] {
            trial.peer.as_mut().unwrap().list_fetched = Some(times);
            assert!(in_words(&trial).contains(word));
        }
    }
}
