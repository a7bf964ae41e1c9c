//! Names that a mistyped one may stand for.

/// Most names that are offered.
const MOST: usize = 3;
/// How alike two names must be, from 0 to 1 (equal).
const ALIKE: f64 = 0.5;
/// How much less alike than the best one a name may be.
const ABOUT: f64 = 0.1;

/// `did you mean ...? `, or nothing where no name is like the given one. A name without a folder is held
/// against the last part of each.
pub fn did_you_mean<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let mut near: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (likeness(given, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.dedup();
    let best = near.first().map_or(0.0, |(likeness, _)| *likeness);
    near.retain(|(likeness, _)| *likeness > best - ABOUT);
    let near: Vec<String> = near.iter().take(MOST).map(|(_, name)| format!("`{name}`")).collect();
    if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(" or ")) }
}

/// The mean of two: of the names as wholes, and of their last parts, where one word that is right counts in full.
fn likeness(given: &str, name: &str) -> f64 {
    let like = strsim::normalized_damerau_levenshtein;
    let last = last_part(name);
    let whole = like(given, if given.contains('/') { name } else { last });
    let words = last.split('-').chain([last]);
    f64::midpoint(whole, words.map(|word| like(last_part(given), word)).fold(0.0, f64::max))
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let ids = ["mitm/impostor-expired", "mitm/relay-read", "reconnect/expired", "certificate/no-names"];
        assert_eq!(did_you_mean("expird", ids), "did you mean `reconnect/expired`? ");
        assert!(did_you_mean("mitm/expired", ids).starts_with("did you mean `mitm/impostor-expired` or "));
        let twice = ["self-signed", "expired", "self-signed"];
        assert_eq!(did_you_mean("selfsigned", twice), "did you mean `self-signed`? ");
        assert_eq!(did_you_mean("nosuch", ids), "");
    }
}
