//! The sentences of a ceremony's transcript, in Indonesian and in English. `{}` is filled in order.

use tabir_crypto::statement::body::CeremonyKind;

/// One language.
pub struct Words {
    pub title: &'static str,
    pub kinds: [&'static str; 4],
    pub id: &'static str,
    pub made_on: &'static str,
    pub follows: &'static str,
    pub people: &'static str,
    pub you: &'static str,
    pub unnamed: &'static str,
    pub dealt: &'static str,
    pub leaves: &'static str,
    pub came: &'static str,
    pub made: [&'static str; 3],
    pub compare: &'static str,
    pub sent: &'static str,
    pub commitments: &'static str,
    pub dealing: &'static str,
    pub no_messages: &'static str,
    pub transcript: &'static str,
    pub signed: &'static str,
    pub failed: &'static str,
    pub to_do: &'static str,
    pub steps: [&'static str; 4],
    pub old_shares: &'static str,
    pub after: &'static str,
    pub entry: &'static str,
    pub erased: &'static str,
    pub needed: &'static str,
    pub missing: &'static str,
}

impl Words {
    /// What a ceremony of this kind is for.
    pub const fn kind(&self, kind: CeremonyKind) -> &'static str {
        let [form, refresh, reshare, remove] = self.kinds;
        match kind {
            CeremonyKind::Form => form,
            CeremonyKind::Refresh => refresh,
            CeremonyKind::Reshare => reshare,
            CeremonyKind::Remove => remove,
        }
    }
}

pub const ENGLISH: Words = Words {
    title: "KEY CEREMONY {}",
    kinds: [
        "A new key for new reports. Nobody ever held it: each official has one share.",
        "A refresh: the same people, the same key, new shares. Old shares do not fit the new ones.",
        "A reshare: the same key, new shares, other people or another threshold. Also the answer to a lost device.",
        "A removal: new shares of the old key for old reports, and a new key for new reports, in one ceremony.",
    ],
    id: "Whole id: {}",
    made_on: "Manifest made on {}.",
    follows: "It follows the council {} ({} of {}, epoch {}).",
    people: "Who takes part; {} of {} must agree from now on:",
    you: "(you)",
    unnamed: "(name not known here)",
    dealt: "Who dealt, of the council before, with the index there:",
    leaves: "(leaves)",
    came: "What came of it:",
    made: ["a new key", "new shares, refreshed", "new shares, reshared"],
    compare: "Compare these eight words with every other official, in person. If one word differs, somebody was shown \
              another council: sign nothing more, and tell the outside body.",
    sent: "What each sent to everybody, as the first 16 bytes of its SHA-256. Lay the lists of two officials side by \
           side: where they differ, that person signed two versions.",
    commitments: "official {}, commitments",
    dealing: "dealer {}, dealing",
    no_messages: "nothing yet",
    transcript: "transcript of official {}",
    signed: "All who are named above signed the manifest. All new officials signed the hash of what they saw, all the \
             same, and proved that their shares work. They and the dealers signed what came of it.",
    failed: "IT FAILED: {}. Nothing was made, nothing of it is in use, and the council before is as it was. This id \
             is never used again. Keep this page: it may show who cheated.",
    to_do: "Still to do:",
    steps: [
        "The warden's person, with fingerprints at hand: tabir warden approve-council --proposal {}",
        "An auditor, with fingerprints at hand: tabir sign --proposal {}",
        "The log takes it, the witnesses sign the log. Look with: tabir council status",
        "Each of the council before, leavers too: tabir council settle erases the old share. Then print a new paper, \
         shred the old one, and delete copies of the folder.",
    ],
    old_shares: "An old share is no waste. {} shares of the council before, together, are the key of everything that \
                 was sealed to it, for ever: a leaver's share with others that were not erased. With new shares it is \
                 of no use. Nobody can repair a lost share: that would make two of it.",
    after: "AFTERWARDS",
    entry: "Council {}: entry {} of the governance log, witnessed on {}.",
    erased: "Erased in this folder: the share of council {}. Papers and copies are yours to destroy.",
    needed: "Not erased yet: the share of council {}; an opening under way needs it. Run settle again later.",
    missing: "Not erased: the share of council {}, since this folder has none of the new council. Tell the others.",
};

pub const INDONESIAN: Words = Words {
    title: "UPACARA KUNCI {}",
    kinds: [
        "Kunci baru untuk laporan baru. Tidak seorang pun pernah memegangnya: tiap pejabat punya satu bagian.",
        "Penyegaran: orang yang sama, kunci yang sama, bagian yang baru. Bagian lama tidak cocok dengan yang baru.",
        "Pembagian ulang: kunci yang sama, bagian baru, orang atau ambang yang lain. Juga jawaban atas perangkat yang \
         hilang.",
        "Pengeluaran: bagian baru dari kunci lama untuk laporan lama, dan kunci baru untuk laporan baru, dalam satu \
         upacara.",
    ],
    id: "Nomor lengkap: {}",
    made_on: "Manifes dibuat pada {}.",
    follows: "Menggantikan dewan {} ({} dari {}, urutan {}).",
    people: "Yang ikut serta; mulai sekarang {} dari {} harus setuju:",
    you: "(Anda)",
    unnamed: "(nama tidak diketahui di sini)",
    dealt: "Yang membagikan, dari dewan sebelumnya, dengan nomornya di sana:",
    leaves: "(keluar)",
    came: "Hasilnya:",
    made: ["kunci baru", "bagian baru, disegarkan", "bagian baru, dibagi ulang"],
    compare: "Cocokkan delapan kata ini dengan setiap pejabat lain, bertatap muka. Jika satu kata berbeda, ada yang \
              diperlihatkan dewan lain: jangan tanda tangani apa pun lagi, dan beri tahu lembaga luar.",
    sent: "Yang dikirim tiap orang kepada semua, sebagai 16 bita pertama SHA-256-nya. Jajarkan daftar dua pejabat: di \
           mana berbeda, orang itu menandatangani dua versi.",
    commitments: "pejabat {}, komitmen",
    dealing: "pembagi {}, pembagian",
    no_messages: "belum ada",
    transcript: "transkrip pejabat {}",
    signed: "Semua yang disebut di atas menandatangani manifes. Semua pejabat baru menandatangani hash dari yang mereka \
             lihat, semuanya sama, dan membuktikan bahwa bagian mereka berfungsi. Mereka dan para pembagi \
             menandatangani hasilnya.",
    failed: "GAGAL: {}. Tidak ada yang dibuat, tidak ada yang dipakai, dan dewan sebelumnya tetap seperti semula. \
             Nomor ini tidak dipakai lagi. Simpan halaman ini: mungkin terlihat siapa yang curang.",
    to_do: "Yang masih harus dilakukan:",
    steps: [
        "Orang penjaga, dengan sidik kunci di tangan: tabir warden approve-council --proposal {}",
        "Seorang auditor, dengan sidik kunci di tangan: tabir sign --proposal {}",
        "Log menerimanya, para saksi menandatangani log. Lihat dengan: tabir council status",
        "Tiap anggota dewan sebelumnya, juga yang keluar: tabir council settle menghapus bagian lama. Lalu cetak kertas \
         baru, hancurkan yang lama, dan hapus salinan folder.",
    ],
    old_shares: "Bagian lama bukan sampah. {} bagian dari dewan sebelumnya bersama-sama adalah kunci dari semua yang \
                 disegel dengannya, untuk selamanya: bagian orang yang keluar dengan bagian lain yang tidak dihapus. \
                 Dengan bagian baru ia tidak berguna. Bagian yang hilang tidak dapat diperbaiki: itu akan membuatnya \
                 menjadi dua.",
    after: "SESUDAHNYA",
    entry: "Dewan {}: entri {} di log tata kelola, disaksikan pada {}.",
    erased: "Dihapus di folder ini: bagian dari dewan {}. Kertas dan salinan harus Anda musnahkan sendiri.",
    needed: "Belum dihapus: bagian dari dewan {}; pembukaan yang sedang berjalan memerlukannya. Jalankan settle lagi.",
    missing: "Tidak dihapus: bagian dari dewan {}, sebab folder ini tidak punya bagian dewan baru. Beri tahu yang lain.",
};
