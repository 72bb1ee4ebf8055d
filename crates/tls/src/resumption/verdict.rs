use crate::Grounds;
use std::sync::Arc;

/// That a chain was found good for a host in this process, and on which grounds ([`crate::Verifier::judge`]). Sessions carry it
/// from one connection to the next, but it is stored nowhere: a session that comes from a file has none.
#[derive(Clone, Default)]
pub struct Verdict(Option<Arc<Judged>>);

struct Judged {
    server_name: String,
    chain: Arc<[Vec<u8>]>,
    grounds: Grounds,
}

impl Verdict {
    /// None where there are no grounds to remember.
    pub(crate) fn new(server_name: &str, chain: &Arc<[Vec<u8>]>, grounds: Option<Grounds>) -> Self {
        let judged = |grounds| Judged { server_name: server_name.to_owned(), chain: chain.clone(), grounds };
        Self(grounds.map(|grounds| Arc::new(judged(grounds))))
    }

    /// The grounds, where they are for this name and this very chain: whoever changed a session has it judged anew.
    pub(crate) fn grounds(&self, server_name: &str, chain: &Arc<[Vec<u8>]>) -> Option<&Grounds> {
        let judged = self.0.as_ref()?;
        let is_same = judged.server_name == server_name && Arc::ptr_eq(&judged.chain, chain);
        is_same.then_some(&judged.grounds)
    }
}

/// The very same verdict, or none on either side.
impl PartialEq for Verdict {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().map(Arc::as_ptr) == other.0.as_ref().map(Arc::as_ptr)
    }
}

impl Eq for Verdict {}
