//! BPF expressions for packets that come from a file.

use crate::CaptureError;

/// A BPF expression for packets that come from a file, in which link types may differ.
pub struct Filter {
    expression: String,
    programs: Vec<(u16, pcap::BpfProgram)>,
}

impl Filter {
    /// Compiles it for Ethernet, to find mistakes early.
    ///
    /// # Errors
    /// [`CaptureError::Filter`].
    pub fn new(expression: &str) -> Result<Self, CaptureError> {
        let mut filter = Self { expression: expression.to_owned(), programs: Vec::new() };
        filter.program(wirelab_model::LINKTYPE_ETHERNET)?;
        Ok(filter)
    }

    /// Whether a packet passes.
    ///
    /// # Errors
    /// The expression makes no sense for its link type.
    pub fn passes(&mut self, link_type: u16, bytes: &[u8]) -> Result<bool, CaptureError> {
        Ok(self.program(link_type)?.filter(bytes))
    }

    fn program(&mut self, link_type: u16) -> Result<&pcap::BpfProgram, CaptureError> {
        let failed = |reason| CaptureError::Filter { expression: self.expression.clone(), reason };
        let index = match self.programs.iter().position(|(known, _)| *known == link_type) {
            Some(index) => index,
            None => {
                // libpcap speaks of DLT values, files of LINKTYPE values: the same but for raw IP.
                let dlt = if link_type == 101 { 12 } else { i32::from(link_type) };
                let dead = pcap::Capture::dead(pcap::Linktype(dlt)).map_err(failed)?;
                let program = dead.compile(&self.expression, true).map_err(failed)?;
                self.programs.push((link_type, program));
                self.programs.len() - 1
            }
        };
        // It was found or pushed just now.
        self.programs.get(index).map(|(_, program)| program).ok_or_else(|| failed(pcap::Error::InvalidString))
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({})", self.expression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_sorts_packets_and_names_a_mistake() {
        let mut filter = Filter::new("tcp port 6379").unwrap();
        // IPv4, TCP, ports 1 and 6379.
        let mut packet = vec![0; 40];
        packet[0] = 0x45;
        packet[3] = 40;
        packet[9] = 6;
        packet[20..24].copy_from_slice(&[0, 1, 24, 235]);
        assert!(filter.passes(101, &packet).unwrap());
        packet[23] = 0;
        assert!(!filter.passes(101, &packet).unwrap());
        let error = Filter::new("tcp prot 6379").unwrap_err();
        assert!(error.to_string().contains("tcp prot 6379"), "{error}");
    }
}
