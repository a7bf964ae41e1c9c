//! A recorded run in, something to read out. Everything that comes here is masked already.

mod connection;
mod explain;
mod html;
mod matrix;
mod remedy;
mod reports;
mod terminal;
#[cfg(test)]
mod testkit;
mod words;

pub use connection::{connection, connection_json};
pub use explain::{attacks, explain, list};
pub use html::page;
pub use matrix::clients;
pub use reports::{Reports, reports};
pub use terminal::{arm_line, table};
pub use words::gained;

use wirelab_model::{RunRecord, Transport};

/// The transports that a run has arms in, in the order of the columns of every table.
pub(crate) fn columns(record: &RunRecord) -> Vec<Transport> {
    let mut columns: Vec<Transport> = record.arms.iter().map(|arm| arm.arm).collect();
    columns.sort();
    columns.dedup();
    columns
}

/// `run.json`.
///
/// # Errors
/// Never for a record that wirelab made.
pub fn run_json(record: &RunRecord) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(record).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use crate::testkit::{HOSTILE, run};

    #[test]
    fn the_page_is_self_contained_and_hostile_text_stays_text() {
        let (record, evidence) = run();
        let page = crate::page(&record, &evidence).unwrap();
        assert!(!page.contains("<script"), "nothing from outside becomes markup");
        assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
        for outside in ["src=", "@import", "url(", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let body = page.split_once("<body>").unwrap().1;
        insta::assert_snapshot!("page", body);
    }

    #[test]
    fn the_table_names_the_client_the_unexpected_and_what_was_left_running() {
        let (record, _) = run();
        insta::assert_snapshot!("table", crate::table(&record, false).replace(HOSTILE, "CLIENT"));
        insta::assert_snapshot!("table-in-colour", crate::table(&record, true).replace(HOSTILE, "CLIENT"));
    }

    #[test]
    fn json_comes_back_as_it_went() {
        let (record, _) = run();
        let text = crate::run_json(&record).unwrap();
        assert_eq!(serde_json::from_str::<wirelab_model::RunRecord>(&text).unwrap(), record);
    }
}
