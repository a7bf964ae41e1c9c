//! A recorded run in, something to read out. Everything that comes here is masked already.

mod bench;
mod connection;
mod explain;
mod html;
mod matrix;
mod posture;
mod remedy;
mod reports;
mod terminal;
#[cfg(test)]
mod testkit;
mod words;

pub use bench::{bench_markdown, bench_page, bench_plan_markdown, bench_plan_text, bench_text};
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
    use crate::testkit::{HOSTILE, run, several};

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
    fn the_matrix_names_what_is_known_waived_over_and_skipped() {
        let (record, evidence) = several();
        let reports = crate::reports(&record, &evidence, false);
        insta::assert_snapshot!("matrix", reports.terminal);
        let names: Vec<&str> = reports.files.iter().map(|(name, _)| name.as_str()).collect();
        let pages = ["known.html", "other.html", "waived.html", "late.html"];
        assert_eq!(names, [&["matrix.html", "matrix.md", "matrix.json", "run.json"][..], &pages].concat());
        let text = |name: &str| {
            let (_, text) = reports.files.iter().find(|(known, _)| known == name).unwrap();
            text.clone().unwrap()
        };
        insta::assert_snapshot!("matrix-markdown", text("matrix.md"));
        let page = text("matrix.html");
        assert!(!page.contains("<script"), "nothing from outside becomes markup");
        for outside in ["src=", "@import", "url(", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
        insta::assert_snapshot!("matrix-page", page.split_once("<body>").unwrap().1);
        // Each link leads to an anchor of a page.
        let link = page.split("href=\"other.html#").nth(1).unwrap().split('"').next().unwrap();
        assert!(text("other.html").contains(&format!("id=\"{link}\"")), "{link}");
        let matrix: wirelab_model::Matrix = serde_json::from_str(&text("matrix.json")).unwrap();
        assert_eq!((matrix.clients.len(), matrix.skipped.len(), matrix.rows.len()), (4, 1, 1));
    }

    #[test]
    fn one_client_has_the_usual_table_and_a_matrix_all_the_same() {
        let (mut record, evidence) = several();
        record.clients.retain(|client| client.name == "known" || client.skipped.is_some());
        record.arms.retain(|arm| arm.client == "builtin" || arm.client == "known");
        record.setup.client = "known".into();
        let reports = crate::reports(&record, &evidence, false);
        let names: Vec<&str> = reports.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["index.html", "matrix.html", "matrix.md", "matrix.json", "run.json"]);
        for told in ["Client under test: known", "– gone (lib 1.2.3) was skipped", "✗ password *"] {
            assert!(reports.terminal.contains(told), "{told}: {}", reports.terminal);
        }
    }

    #[test]
    fn clients_are_listed_with_what_is_missing() {
        let (record, _) = several();
        insta::assert_snapshot!("clients", crate::clients(&record.clients).replace(HOSTILE, "WORDS"));
    }

    #[test]
    fn json_comes_back_as_it_went() {
        let (record, _) = run();
        let text = crate::run_json(&record).unwrap();
        assert_eq!(serde_json::from_str::<wirelab_model::RunRecord>(&text).unwrap(), record);
    }
}
