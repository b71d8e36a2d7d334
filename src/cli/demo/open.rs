//! Steps `no_warden_refused`, `alone_refused`, `open` and `notice_found`.
use super::establish::Official;
use super::play::Citizen;
use super::stage::Stage;
use crate::cli::CliError;

pub async fn open(_stage: &mut Stage, _officials: &[Official], _citizens: &[Citizen]) -> Result<(), CliError> {
    Ok(())
}
