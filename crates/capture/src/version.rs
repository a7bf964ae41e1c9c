use std::ffi::{CStr, c_char};

#[expect(unsafe_code, reason = "the pcap crate does not bind this function")]
unsafe extern "C" {
    /// <https://www.tcpdump.org/manpages/pcap_lib_version.3pcap.html>
    safe fn pcap_lib_version() -> *const c_char;
}

/// The name and version of the libpcap in use, as it says itself, for instance
/// `libpcap version 1.10.3 (with TPACKET_V3)`.
#[must_use]
pub fn libpcap_version() -> String {
    let text = pcap_lib_version();
    if text.is_null() {
        return "libpcap, version unknown".to_owned();
    }
    #[expect(unsafe_code, reason = "libpcap returns a C string that lives as long as the process")]
    // SAFETY: checked for null above; the manual page promises a constant, terminated string.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_library_names_itself() {
        let version = super::libpcap_version();
        assert!(version.contains("libpcap version 1."), "{version}");
    }
}
