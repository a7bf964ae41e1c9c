//! Columns of a wide matrix: clients that fare alike in every row share one.

use super::{long, short};
use wirelab_model::{Matrix, MatrixCell, MatrixRow};

/// With more clients than these, those that fare alike share a column.
const MOST_APART: usize = 4;
/// With more columns than these there is no room for words.
const MOST_WITH_WORDS: usize = 8;

/// The columns of a matrix.
pub(super) struct Columns {
    /// The clients of each, as places in the matrix; at least one.
    clients: Vec<Vec<usize>>,
    /// Whether clients share them, so that they are called `A`, `B` and so on.
    pub(super) shared: bool,
}

impl Columns {
    pub(super) fn of(matrix: &Matrix) -> Self {
        let all = 0..matrix.clients.len();
        if matrix.clients.len() <= MOST_APART {
            return Self { clients: all.map(|client| vec![client]).collect(), shared: false };
        }
        let fare = |client: usize| -> Vec<Option<String>> {
            let cell = |row: &MatrixRow| Some(long(row.cells.get(client)?.as_ref()?, row.arm));
            matrix.rows.iter().map(cell).collect()
        };
        let mut columns: Vec<(Vec<Option<String>>, Vec<usize>)> = Vec::new();
        for client in all {
            let fares = fare(client);
            match columns.iter_mut().find(|(others, _)| *others == fares) {
                Some((_, clients)) => clients.push(client),
                None => columns.push((fares, vec![client])),
            }
        }
        Self { clients: columns.into_iter().map(|(_, clients)| clients).collect(), shared: true }
    }

    /// What stands above each.
    pub(super) fn headings(&self, matrix: &Matrix) -> Vec<String> {
        let heading = |(index, clients): (usize, &Vec<usize>)| {
            let first = clients.first().and_then(|&client| matrix.clients.get(client));
            if self.shared { letters(index) } else { first.map_or_else(String::new, |c| c.name.clone()) }
        };
        self.clients.iter().enumerate().map(heading).collect()
    }

    /// What the column of a client is called.
    pub(super) fn of_client(&self, client: usize) -> String {
        self.clients.iter().position(|clients| clients.contains(&client)).map_or_else(String::new, letters)
    }

    /// The cells of a row.
    pub(super) fn cells(&self, row: &MatrixRow) -> Vec<String> {
        let words = self.clients.len() <= MOST_WITH_WORDS;
        let text = |cell: &MatrixCell| if words { long(cell, row.arm) } else { short(cell, row.arm) };
        let cell = |clients: &Vec<usize>| row.cells.get(*clients.first()?)?.as_ref().map(text);
        self.clients.iter().map(|clients| cell(clients).unwrap_or_default()).collect()
    }
}

/// `A` to `Z`, then `AA`, `AB`.
fn letters(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    let before = (index / 26).checked_sub(1).map_or_else(String::new, letters);
    format!("{before}{letter}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{Expect, Got, Verdict};

    fn matrix(verdicts: &[[Verdict; 2]]) -> Matrix {
        let mut matrix = crate::matrix::of(&crate::testkit::several().0);
        let one = matrix.clients[0].clone();
        matrix.clients = vec![one; verdicts.len()];
        let row = |index: usize| MatrixRow {
            cells: verdicts
                .iter()
                .map(|verdicts| {
                    Some(MatrixCell {
                        verdict: verdicts[index],
                        got: vec![Got::Data],
                        expected: Expect::One(Verdict::Secure),
                        as_expected: true,
                        exception: None,
                        why: String::new(),
                        evidence: String::new(),
                    })
                })
                .collect(),
            ..matrix.rows[0].clone()
        };
        matrix.rows = vec![row(0), row(1)];
        matrix
    }

    #[test]
    fn clients_share_a_column_only_where_every_cell_is_the_same() {
        use Verdict::{Compromised, Secure};
        let (a, b, c) = ([Secure, Secure], [Compromised, Secure], [Compromised, Compromised]);
        let wide = matrix(&[a, b, a, c, b]);
        let columns = Columns::of(&wide);
        assert_eq!(columns.clients, [vec![0, 2], vec![1, 4], vec![3]]);
        assert_eq!(columns.headings(&wide), ["A", "B", "C"]);
        assert_eq!((columns.of_client(2), columns.of_client(4)), ("A".into(), "B".into()));
        assert_eq!(columns.cells(&wide.rows[1]).iter().filter(|cell| cell.starts_with('✗')).count(), 1);
        let narrow = Columns::of(&matrix(&[a, a]));
        assert_eq!((narrow.clients.len(), narrow.shared), (2, false));
    }

    #[test]
    fn there_are_names_for_any_number_of_columns() {
        let names = [0, 25, 26, 27, 51, 52].map(letters);
        assert_eq!(names, ["A", "Z", "AA", "AB", "AZ", "BA"]);
    }
}
