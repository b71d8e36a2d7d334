//! What can't be taken: said in words at its field, with everything that was typed, and nothing is kept.

use crate::world::{PLACE, TEXT, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_at_its_field_and_nothing_that_was_typed_is_lost() {
    let world = World::plain(1).await;
    let once = world.once().await;
    let long = format!("{}akhir", "x".repeat(70_000));
    let far = "y".repeat(600);
    type Change<'c> = (&'c str, Option<&'c str>, u16, &'c str);
    let cases: [Change; 9] = [
        ("category", None, 400, "Pilih tentang apa"),
        ("category", Some("volcano"), 400, "Pilih tentang apa"),
        ("text", None, 400, "Tulis sesuatu dulu"),
        ("text", Some(" \r\n "), 400, "Tulis sesuatu dulu"),
        ("text", Some(&long), 400, "kurangi kira-kira 10005 huruf"),
        ("place", Some(&far), 400, "kurangi kira-kira 100 huruf"),
        ("voucher", Some("XXXX\r\nX-Evil: 1"), 400, "Kode masuk ini tidak berlaku"),
        ("voucher", Some("?"), 400, "Kode masuk ini tidak berlaku"),
        ("voucher", Some("é"), 400, "Kode masuk ini tidak berlaku"),
    ];
    for (field, value, status, words) in cases {
        let mut fields: Vec<_> = World::typed(&once).into_iter().filter(|(n, _)| *n != field).collect();
        fields.extend(value.map(|v| (field, v)));
        let page = world.post("/id/report", &fields).await;
        assert_eq!(page.status, status, "{field}");
        assert!(page.says(words) && page.says("Tidak ada yang hilang"), "{field}: {}", page.body);
        let link = format!("href=\"#{field}\"");
        assert!(page.says(&link) && page.says(&format!("id=\"{field}\"")), "the summary leads to the field: {field}");
        assert_eq!(page.field("once"), once, "it is still the same report");
        for (name, typed) in [("text", TEXT), ("place", PLACE)] {
            let typed = if name == field { value.unwrap_or_default().trim() } else { typed };
            assert_eq!(page.field(name), typed, "{name}, where {field} was wrong");
        }
        assert!(field == "category" || page.says("value=\"pothole\" checked"), "{}", page.body);
    }
    let stock = world.form.host.store.stock().await.unwrap();
    assert_eq!((world.cases().await, stock.tokens, stock.waiting), (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_of_this_server_is_refused() {
    let world = World::plain(1).await;
    let form = "application/x-www-form-urlencoded";
    for (page, kind, body, status) in [
        ("/id/report", "application/json", b"{}".to_vec(), 415),
        ("/id/report", "multipart/form-data; boundary=x", b"--x--".to_vec(), 415),
        ("/id/report", form, vec![b'a'; (1 << 20) + 1], 413),
        ("/id/report", form, b"text=%ff%fe".to_vec(), 400),
        ("/id/report", form, Vec::new(), 400),
        ("/id/case", form, Vec::new(), 400),
        ("/id/nothing", form, Vec::new(), 404),
        ("/id/case/nothing", form, Vec::new(), 404),
        ("/xx/case", form, Vec::new(), 404),
    ] {
        let said = world.post_raw(page, kind, body).await;
        assert_eq!(said.status, status, "{page} {kind}");
        assert_eq!(said.header("content-type"), "text/html; charset=utf-8");
    }
    assert_eq!(world.cases().await, 0);
}

/// Of a later write, at its field too.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_says_nothing_is_refused_before_anything_is_sent() {
    use tabir_crypto::statement::body::Status;
    let world = World::plain(2).await;
    let receipt = world.reported().await;
    world.tell(&receipt, vec![World::status(7, Status::Resolved)]).await;
    let page = world.case(&receipt).await;
    let long = "x".repeat(16_000);
    for (what, fields, words, field) in [
        ("message", vec![("text", " ")], "Write something first", "text"),
        ("message", vec![("text", long.as_str())], "Too long", "text"),
        ("rating", vec![("choice", "6")], "Choose 1 to 5", "choice"),
        ("rating", vec![], "Choose 1 to 5", "choice"),
        ("dispute", vec![("choice", "bad"), ("text", "x")], "Choose what is not right", "choice"),
        ("dispute", vec![("choice", "other")], "Write something first", "text"),
        ("erase", vec![], "First tick", "sure"),
        ("message", vec![("text", "x"), ("voucher", "?")], "This entry code is not valid", "voucher"),
    ] {
        let said = world.write(&page, what, &fields).await;
        assert_eq!(said.status, 400, "{what}: {}", said.body);
        assert!(said.says(words), "{what}: {}", said.body);
        let id = format!(" id=\"{field}\"");
        assert_eq!(said.body.matches(&id).count(), 1, "{what}: the summary leads to one field");
        let typed = fields.iter().find(|(name, _)| *name == "text").map(|(_, typed)| typed.trim());
        assert!(typed.is_none_or(|typed| said.says(typed)), "{what}: what was typed is there");
    }
    assert_eq!(world.write(&page, "answer", &[("choice", "1"), ("text", "x")]).await.status, 409, "nobody asked");
    assert_eq!(world.gateway.view(&receipt).await.counter, 0);
}
