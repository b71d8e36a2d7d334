use super::*;

#[test]
fn only_the_last_marker_counts() {
    let (mine, other) = (report_marker("AAAA-BBBB-CCCC"), report_marker("DDDD-EEEE-FFFF"));
    assert!(is_marked(&format!("Nothing. {other}\n\n{mine}"), &mine));
    assert!(!is_marked(&format!("Nothing. {other}\n\n{mine}"), &other));
    assert!(!is_marked("no marker", &mine) && !is_marked(&format!("{mine} and more"), &mine));
    let echo = format!("words\n\n{}", write_marker("AAAA-BBBB-CCCC", 3));
    assert!(is_echo(&echo, "AAAA-BBBB-CCCC", 3));
    assert!(!is_echo(&echo, "AAAA-BBBB-CCCC", 2), "a write that was never made");
    assert!(!is_echo(&echo, "DDDD-EEEE-FFFF", 3));
    assert!(!is_echo(&format!("words {mine}"), "AAAA-BBBB-CCCC", 3));
}

/// Scenario 16: a late update never moves a status backwards, a newer one only by reopening.
#[test]
fn a_status_never_goes_backwards() {
    use Status::{Declined, Disposition, InProgress, Received, Resolved, Scheduled, Waiting};
    let to = Meaning::Status;
    assert_eq!(step(Received, 0, to(Waiting), 5), Step::Set(Waiting));
    assert_eq!(step(InProgress, 10, to(Resolved), 9), Step::Keep, "late");
    assert_eq!(step(Resolved, 10, to(InProgress), 11), Step::Regression);
    assert_eq!(step(Disposition, 10, to(Waiting), 11), Step::Regression);
    assert_eq!(step(Scheduled, 10, to(InProgress), 11), Step::Set(InProgress));
    assert_eq!(step(Resolved, 10, to(Declined), 11), Step::Set(Declined));
    assert_eq!(step(Resolved, 10, to(Resolved), 11), Step::Keep);
    assert_eq!(step(Resolved, 10, Meaning::Reopened, 11), Step::Set(Waiting));
    assert_eq!(step(Resolved, 10, Meaning::Reopened, 9), Step::Keep, "late");
    assert_eq!(step(InProgress, 10, Meaning::Reopened, 11), Step::Keep);
    assert_eq!(step(Waiting, 10, Meaning::Unchanged, 11), Step::Keep);
}

#[test]
fn a_question_is_told_by_its_mark() {
    assert_eq!(officer_text("[Question]  Where?"), (true, "Where?".into()));
    assert_eq!(officer_text(" Is this a [question]?\u{7} "), (false, "Is this a [question]?".into()));
    assert_eq!(officer_text("¿Dónde?"), (false, "¿Dónde?".into()));
}

#[test]
fn markup_stays_text_and_nothing_turns_the_line_around() {
    let (_, words) = officer_text("<script>alert(1)</script> &lt;b&gt;\u{1b}[31m \u{202e}txet\u{2066} done");
    assert_eq!(words, "<script>alert(1)</script> &lt;b&gt;[31m txet done");
}
