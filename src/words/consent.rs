//! What is said before an identity is sealed, and what is asked.

use tabir_crypto::statement::value::Hour;

use super::Language;
use crate::client::consent::Consent;

/// Everything that a reporter should know before an identity is sealed.
#[must_use]
pub fn consent(l: Language, c: &Consent) -> String {
    let bases: Vec<&str> = c.legal_basis.iter().map(|e| l.pick(&e.id, &e.en).as_str()).collect();
    let (bases, witnesses) = (bases.join("; "), c.witnesses.join(", "));
    let (t, n, entry, fingerprint, name) = (c.t, c.n, c.entry, &c.fingerprint, &c.installation);
    let (cooling, deferral, since) = (l.span(c.cooling_off_s), l.span(c.deferral_max_s), Hour::of(c.since));
    let kept = c.kept_s.map_or_else(|| l.pick("belum ditentukan", "not said by a policy yet").into(), |s| l.span(s));
    match l {
        Language::Id => format!(
            "Sebelum identitas Anda disegel, ketahui siapa yang dapat membukanya:
  Dewan          {fingerprint}
                 (sidik jarinya; bandingkan dengan yang Anda peroleh dari tempat lain)
  Pejabat        {n} orang, masing-masing memegang satu bagian kunci. Paling sedikit {t} orang harus setuju.
  Lembaga luar   memegang kunci lapisan luar, dan hanya boleh membukanya atas permintaan yang tercatat di
                 log publik. Saksi log itu menurut berkas kepercayaan \"{name}\": {witnesses}.
  Masa tunggu    {cooling} sejak permintaan tercatat; tanda tangan auditor dapat memperpendeknya.
  Dasar hukum    menurut kebijakan: {bases}. Pengadilan dapat memerintahkannya.
  Yang terlihat  setiap permintaan dan setiap langkahnya, dengan `tabir follow`. Pemberitahuan dapat ditunda
                 paling lama {deferral}, ditandatangani para pejabat; penundaan itu sendiri tercatat.
  Berlaku sejak  {since} (catatan {entry} di log publik)
  Disimpan       tersegel, paling lama {kept} sejak laporan diterima

Yang tidak dapat dicegah: jika {t} pejabat dan lembaga luar bersama-sama melanggar aturan, mereka dapat
membacanya tanpa catatan. Siapa pun yang sudah membacanya dapat meneruskannya.
"
        ),
        Language::En => format!(
            "Before your identity is sealed, know who can open it:
  Council        {fingerprint}
                 (its fingerprint; compare it with one that you got elsewhere)
  Officials      {n}, each with one share of the key. At least {t} of them must agree.
  Outside body   holds the key of the outer layer, and may open it only for a request that stands in the
                 public log. That log's witnesses, as the trust root of \"{name}\" names them: {witnesses}.
  Waiting time   {cooling} from the logged request on; an auditor's signature can shorten it.
  Legal basis    as the policy has it: {bases}. A court may order it.
  You will see   each request and each of its steps, with `tabir follow`. The notice can be put off by
                 {deferral} at most, signed by the officials; that it was put off is logged as well.
  In use since   {since} (entry {entry} of the public log)
  Kept           sealed, for {kept} at most after the report was accepted

What this does not prevent: if {t} officials and the outside body break the rules together, they can read it
without an entry. Whoever has read it can pass it on.
"
        ),
    }
}

/// Asked after [`consent`], and the answers that mean yes.
#[must_use]
pub const fn confirm(l: Language) -> (&'static str, [&'static str; 2]) {
    let question = match l {
        Language::Id => "Segel identitas Anda untuk mereka dan kirim laporan? Ketik ya: ",
        Language::En => "Seal your identity to them and send the report? Type yes: ",
    };
    (question, ["ya", "yes"])
}
