//! The certificates of a run, and the files that clients get.

use crate::lab::{RunError, make_folder, write_error, write_file};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use wirelab_model::Demand;
use wirelab_pki::{Entry, Identity, Shape};
use wirelab_subject::{ClientCertificates, TlsFiles};

/// An authority that nobody else has, and all that it signs.
pub(crate) struct Certificates {
    pub(crate) files: TlsFiles,
    pki: wirelab_pki::Lab,
}

impl Certificates {
    /// Makes the folder, which must not be in use, and in it the files that clients need for TLS.
    pub(crate) fn make(folder: &Path) -> Result<Self, RunError> {
        make_folder(folder)?;
        let in_use = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if in_use {
            return Err(RunError::FolderInUse { folder: folder.to_owned() });
        }
        let pki = wirelab_pki::Lab::new(OffsetDateTime::now_utc())?;
        // Programs under test may change their working folder, so they get absolute paths.
        let tls = std::path::absolute(folder).map_err(|error| write_error(folder, &error))?.join("tls");
        make_folder(&tls)?;
        let client = pki.client();
        let files = TlsFiles {
            ca: write_file(&tls.join("ca.crt"), pki.authority_pem().as_bytes())?,
            client_cert: write_file(&tls.join("client.crt"), client.chain_pem().as_bytes())?,
            client_key: write_file(&tls.join("client.key"), client.key_pem().as_bytes())?,
            client_pfx: write_file(&tls.join("client.pfx"), &pki.client_pfx("")?)?,
        };
        Ok(Self { files, pki })
    }

    /// A good certificate of this shape: one of the catalogue without its flaw.
    pub(crate) fn good(&self, shape: Shape) -> Result<Identity, RunError> {
        let like = wirelab_pki::all().iter().find(|entry| shape != Shape::Direct && entry.shape() == shape);
        let Some(entry) = like else { return Ok(self.pki.good().clone()) };
        let name = format!("good {}", shape.word());
        Ok(Identity { name, ..self.pki.mend(entry, OffsetDateTime::now_utc())? })
    }

    /// A good certificate with so many names.
    pub(crate) fn named_often(&self, names: usize) -> Result<Identity, RunError> {
        Ok(self.pki.named_often(OffsetDateTime::now_utc(), names)?)
    }

    /// The certificate of that name, or a good one of its shape, where it names a list of revoked certificates, which
    /// is at `url`.
    pub(crate) fn listed(&self, name: Option<&str>, url: &str) -> Result<Identity, RunError> {
        let now = OffsetDateTime::now_utc();
        let named = |entry: &&&Entry| name.is_none_or(|name| name == entry.id);
        let listed = wirelab_pki::all().iter().filter(|entry| entry.shape() == Shape::Listed).find(named);
        let entry = listed.ok_or_else(|| RunError::Rogue { reason: "no certificate names a list".into() })?;
        match name {
            Some(_) => Ok(self.pki.forge_listed(entry, now, url)?),
            None => {
                let good = self.pki.mend_listed(entry, now, url)?;
                Ok(Identity { name: format!("good {}", Shape::Listed.word()), ..good })
            }
        }
    }

    /// The certificate of that name; without a name another good one with another key, as after a renewal.
    pub(crate) fn identity_or_renewed(&self, name: Option<&str>) -> Result<Identity, RunError> {
        if let Some(name) = name {
            return self.identity(name);
        }
        let like = wirelab_pki::all().iter().find(|entry| entry.shape() == Shape::Direct);
        let Some(entry) = like else { return Ok(self.pki.good().clone()) };
        Ok(Identity { name: "good renewed".into(), ..self.pki.mend(entry, OffsetDateTime::now_utc())? })
    }

    /// What an intruder shows, written into `folder`: certificate and key. Scenarios are checked against
    /// the catalogue, so it is there.
    pub(crate) fn intruder(&self, name: &str, folder: &Path) -> Result<Option<(PathBuf, PathBuf)>, RunError> {
        let intruder = wirelab_pki::intruder(name)
            .ok_or_else(|| RunError::Rogue { reason: format!("there is no intruder named `{name}`") })?;
        let Some(identity) = self.pki.intrude(intruder, OffsetDateTime::now_utc())? else {
            return Ok(None);
        };
        let certificate = write_file(&folder.join("intruder.crt"), identity.chain_pem().as_bytes())?;
        let key = write_file(&folder.join("intruder.key"), identity.key_pem().as_bytes())?;
        Ok(Some((certificate, key)))
    }

    /// The good client's certificate.
    pub(crate) fn client(&self) -> &Identity {
        self.pki.client()
    }

    /// What a good server with mutual TLS makes of clients.
    pub(crate) fn of_clients(&self, demand: Demand) -> ClientCertificates<'_> {
        ClientCertificates { trust: self.pki.client_trust(), good: self.pki.client(), demand }
    }

    /// What an attacker shows whose host really is called what it announces; good for `also` too.
    pub(crate) fn for_address(&self, also: Option<&str>) -> Result<Identity, RunError> {
        Ok(self.pki.for_address(OffsetDateTime::now_utc(), also)?)
    }

    /// The certificate of that name: `good`, or an entry of the catalogue, made for this very moment.
    /// Scenarios are checked against the catalogue, so it is there.
    pub(crate) fn identity(&self, name: &str) -> Result<Identity, RunError> {
        if name == "good" {
            return Ok(self.pki.good().clone());
        }
        let entry = wirelab_pki::find(name)
            .ok_or_else(|| RunError::Rogue { reason: format!("there is no certificate named `{name}`") })?;
        Ok(self.pki.forge(entry, OffsetDateTime::now_utc())?)
    }
}
