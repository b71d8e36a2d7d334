//! How officials took part, by their number in each council that was asked. Who they are, the log does not say.

use std::collections::BTreeMap;

use serde::Serialize;
use tabir_crypto::trust::State;
use tabir_crypto::trust::unseal::Status;

use crate::client::audit_openings::Asked;
use crate::client::opening::What;

/// One seat of a council.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Official {
    /// Fingerprint of the council; it stays the same through a refresh.
    pub council: String,
    pub epoch: u64,
    /// From 1.
    pub index: u16,
    /// Requests to this council.
    pub asked: u64,
    /// Of these his own.
    pub requested: u64,
    pub approved: u64,
    pub refused: u64,
    /// Requests that wait for nobody's vote any more, and have none of his.
    pub not_voted: u64,
    /// Parts given after a release.
    pub partials: u64,
}

pub(super) fn of(state: &State, asked: &[Asked]) -> Vec<Official> {
    let mut seats: BTreeMap<(u64, u64, u16), Official> = BTreeMap::new();
    for a in asked {
        let Ok(logged) = state.council(&a.council) else { continue };
        for index in 1..=a.opening.threshold.1 {
            let seat = seats.entry((logged.entry, a.epoch, index)).or_insert_with(|| Official {
                council: a.opening.fingerprint.clone(),
                epoch: a.epoch,
                index,
                asked: 0,
                requested: 0,
                approved: 0,
                refused: 0,
                not_voted: 0,
                partials: 0,
            });
            seat.take(a);
        }
    }
    seats.into_values().collect()
}

impl Official {
    fn take(&mut self, asked: &Asked) {
        let by = |is: &dyn Fn(&What) -> bool| asked.opening.steps.iter().any(|s| is(&s.what));
        let own = self.index;
        let approved = by(&|w| matches!(w, What::Approved { by, .. } if *by == own));
        let refused = by(&|w| matches!(w, What::Refused { by, .. } if *by == own));
        let waits = asked.opening.status == Status::Requested;
        self.asked += 1;
        self.requested += u64::from(asked.requester == own);
        self.approved += u64::from(approved);
        self.refused += u64::from(refused);
        self.not_voted += u64::from(!approved && !refused && !waits);
        self.partials += u64::from(by(&|w| matches!(w, What::Partial { by } if *by == own)));
    }
}
