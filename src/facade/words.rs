//! What an app shows to people, in Indonesian and English: an app may know neither language of its reader.

/// GeoReport's `service_notice`. An app that knows nothing of receipts shows at least this.
pub fn notice(receipt: &str, address: &str, with_identity: bool) -> String {
    let (id, en) = if with_identity {
        (
            " Peladen di antara aplikasi ini dan gerbang melihat laporan, identitas, dan tanda terima Anda sesaat sebelum disegel; ia tidak menyimpannya.",
            " A server between this app and the gateway saw your report, who you are and your receipt for a moment before they were sealed; it keeps none of them.",
        )
    } else {
        (
            " Peladen di antara aplikasi ini dan gerbang melihat laporan dan tanda terima Anda sesaat sebelum disegel; ia tidak menyimpannya.",
            " A server between this app and the gateway saw your report and your receipt for a moment before they were sealed; it keeps neither.",
        )
    };
    format!(
        "Tanda terima: {receipt}. Catatlah: tidak ada yang dapat memulihkannya, dan siapa pun yang memegangnya dapat membaca dan menulis sebagai Anda. Kembali ke laporan Anda: {address}.{id} \
         / Receipt: {receipt}. Write it down: nobody can recover it, and whoever has it can read and write as you. Come back to your report: {address}.{en}"
    )
}

/// GeoReport's `status_notes`: the case's status in the words of `open311`, and that messages wait.
pub fn status_notes(status: &str, messages: usize, questions: u64) -> String {
    let mut notes = status.to_owned();
    if messages > 0 {
        notes += &format!(
            "; {messages} pesan, dibaca dengan tanda terima / {messages} message(s), to be read with the receipt"
        );
    }
    if questions > 0 {
        notes += &format!("; {questions} menunggu jawaban / {questions} wait(s) for an answer");
    }
    notes
}
