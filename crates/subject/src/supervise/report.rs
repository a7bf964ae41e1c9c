use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use wirelab_model::ClientReport;

/// What the supervisor tells the lab: one line of JSON, then the two outputs as they are.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    client: ClientReport,
    /// Bytes of standard output that follow.
    stdout: usize,
    /// Bytes of standard error that follow them.
    stderr: usize,
}

impl Report {
    /// Writes it.
    pub(crate) fn write(client: ClientReport, out: &mut impl Write) -> io::Result<()> {
        let report = Self { stdout: client.stdout.len(), stderr: client.stderr.len(), client };
        serde_json::to_writer(&mut *out, &report)?;
        out.write_all(b"\n")?;
        out.write_all(&report.client.stdout)?;
        out.write_all(&report.client.stderr)?;
        out.flush()
    }

    /// Reads it. The reason why it is none is for people.
    pub(crate) fn read(bytes: &[u8]) -> Result<ClientReport, String> {
        let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
        let (line, output) = (parts.next().unwrap_or_default(), parts.next().ok_or("no report")?);
        let report: Self = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let (stdout, rest) = output.split_at_checked(report.stdout).ok_or("the output is missing")?;
        let stderr = rest.get(..report.stderr).ok_or("the output is missing")?;
        Ok(ClientReport { stdout: stdout.to_vec(), stderr: stderr.to_vec(), ..report.client })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::ClientEnd;

    #[test]
    fn a_report_survives_the_pipe_and_a_cut_one_is_refused() {
        let client = ClientReport {
            end: ClientEnd::Failed { code: Some(3) },
            error: None,
            received: None,
            left_behind: vec!["7 sleep".to_owned()],
            duration_ms: 5,
            memory: None,
            stdout: b"\xff\n{".to_vec(),
            stderr: b"no\n".to_vec(),
            output_cut: 9,
        };
        let mut bytes = Vec::new();
        Report::write(client.clone(), &mut bytes).expect("writes into memory");
        assert_eq!(Report::read(&bytes), Ok(client));
        for cut in 0..bytes.len() {
            assert!(Report::read(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
