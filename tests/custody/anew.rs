//! A refresh and a reshare of the world's council with the officials' real shares, dealt in one place, and what the log
//! would say after it. The log that runs does not hear of it.

use std::collections::BTreeMap;

use tabir::client::Session;
use tabir::client::official::{OfficialFile, manifest};
use tabir::clock::{Clock, Random};
use tabir::config::keys::read_signing_key;
use tabir_crypto::SecretBytes;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest, Role};
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::reshare::{Dealings, VerifiedManifest, deal};
use tabir_crypto::trust::state::State;

use crate::world::World;

/// A council after a ceremony, and what the log says then.
pub struct Anew {
    pub state: State,
    pub council: Council,
}

/// Who signs a statement: each once, in the order of their keys.
fn sign(statement: &mut Statement, keys: &[SigningKey]) {
    let mut keys: Vec<_> = keys.iter().collect();
    keys.sort_by_key(|k| k.verifying_key().key_id());
    keys.dedup_by_key(|k| k.verifying_key().key_id());
    keys.into_iter().for_each(|key| statement.sign(key));
}

/// Deals the shares of `dealers` to `members` for a threshold of two.
pub fn anew(
    world: &World,
    session: &Session,
    kind: CeremonyKind,
    dealers: &[OfficialFile],
    members: &[OfficialFile],
) -> Anew {
    let old = session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let cards: Vec<_> = members.iter().map(OfficialFile::card).collect();
    let form = manifest::build(&cards, 2, &Clock::system()).unwrap();
    let body: CouncilManifest = tabir_crypto::json::from_slice(form.payload()).unwrap();
    let index = |file: &OfficialFile| old.member_by_key(&file.verifying()).unwrap().index;
    let body = CouncilManifest {
        kind,
        previous: Hex(*old.council_id()),
        dealers: dealers.iter().map(index).collect(),
        ..body
    };
    let mut statement = Statement::new(Verb::CouncilManifest, &body).unwrap();
    let people: Vec<SigningKey> = members.iter().chain(dealers).map(|f| f.signing().clone()).collect();
    sign(&mut statement, &people);
    let manifest = VerifiedManifest::verify(&statement, &old).unwrap();
    let (mut board, mut inbox) = (BTreeMap::new(), BTreeMap::<u16, BTreeMap<u16, SecretBytes<32>>>::new());
    for dealer in dealers {
        let dealing = deal(&manifest, &dealer.share(&old).unwrap(), &mut Random).unwrap();
        board.insert(index(dealer), dealing.message);
        dealing
            .shares
            .into_iter()
            .for_each(|(to, share)| drop(inbox.entry(to).or_default().insert(index(dealer), share)));
    }
    let dealings = Dealings::read(&manifest, &board).unwrap();
    inbox.iter().for_each(|(to, dealt)| drop(dealings.finish(*to, dealt).unwrap()));

    let mut statement = Statement::new(dealings.verb(), &dealings.body(Hour::of(session.now()))).unwrap();
    let auditor = read_signing_key(&world.dir.path().join("auditors/auditor-1.key")).unwrap();
    sign(&mut statement, &[people, vec![world.identity(Role::Warden), auditor]].concat());
    let mut state = session.view.state.clone();
    let entry = state.size();
    state.apply(&session.trust, entry, &statement.to_bytes(), Some(session.now())).unwrap();
    Anew { state, council: dealings.council().clone() }
}
