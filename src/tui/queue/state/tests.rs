//! What the list of tickets promises while rows move and mail comes.

use super::*;
use crate::tui::fixture;

fn page(numbers: std::ops::Range<i64>, offset: u64, total: u64) -> QueuePage {
    QueuePage {
        offset,
        rows: numbers.map(fixture::row).collect(),
        total,
        hidden: 0,
    }
}

fn queue(total: u64) -> Queue {
    let mut queue = Queue::default();
    let _first = queue.settle(10);
    let Effect::LoadPage { turn, .. } = queue.reload() else {
        panic!("no question")
    };
    assert!(queue.took(turn, page(0..40, 0, total)));
    queue
}

#[test]
fn the_cursor_keeps_to_its_ticket_when_rows_move() {
    let mut queue = queue(40);
    queue.move_by(3);
    let before = queue.here();
    let Effect::LoadPage { turn, .. } = queue.reload() else {
        panic!("no question")
    };

    let mut moved = page(0..40, 0, 40);
    moved.rows.remove(0);
    moved.total = 39;
    queue.took(turn, moved);

    assert_eq!(queue.here(), before);
    assert_eq!(queue.cursor(), 2);
}

#[test]
fn the_cursor_keeps_to_its_ticket_however_many_come_above_it() {
    let mut queue = queue(40);
    queue.move_by(3);
    let before = queue.here();

    let Effect::LoadPage { turn, keep, .. } = queue.reload() else {
        panic!("no question")
    };

    assert_eq!(keep, before, "the rows are to hold it");
    // It stands at 503 now.
    let rows = (1_000..1_020).chain(3..23).map(fixture::row).collect();
    let (offset, total, hidden) = (483, 540, 0);
    queue.took(
        turn,
        QueuePage {
            offset,
            rows,
            total,
            hidden,
        },
    );
    assert_eq!((queue.here(), queue.cursor()), (before, 503));
    assert!(queue.settle(10).is_none(), "all in sight are here");
    assert_eq!(queue.new_above(), 500);
    queue.to_bottom();
    let Effect::LoadPage { keep, .. } = queue.reload() else {
        panic!("no question")
    };
    assert_eq!(keep, None, "the person went elsewhere");
}

fn mail_comes(queue: &mut Queue, rows: Vec<QueueRow>) {
    let Effect::LoadPage { turn, .. } = queue.reload() else {
        panic!("no question")
    };
    let total = count(rows.len());
    let (offset, hidden) = (0, 0);
    assert!(queue.took(
        turn,
        QueuePage {
            offset,
            rows,
            total,
            hidden
        }
    ));
}

#[test]
fn new_mail_above_what_is_in_sight_is_counted_until_the_person_goes_up() {
    let mut queue = queue(40);
    queue.move_by(3);
    let here = queue.here();
    let later = |number, minutes: i64| {
        let mut row = fixture::row(number);
        let seconds = row.asked_at.as_second() + 60 * minutes;
        row.asked_at = Timestamp::from_second(seconds).unwrap();
        row
    };

    let mut rows = vec![later(100, 1)];
    rows.extend((0..40).map(fixture::row));
    mail_comes(&mut queue, rows.clone());
    assert_eq!((queue.new_above(), queue.here()), (1, here));
    // One that is above already gets mail, and one more is new.
    rows.retain(|row| row.id != fixture::row(0).id);
    rows.splice(0..0, [later(101, 3), later(0, 2)]);
    mail_comes(&mut queue, rows.clone());
    // The one that came before is in sight again.
    assert_eq!((queue.new_above(), queue.here()), (2, here));

    mail_comes(&mut queue, rows.clone());
    assert_eq!(queue.new_above(), 2, "nothing came");
    queue.to_top();
    assert_eq!(queue.new_above(), 0);
    queue.to_bottom();
    mail_comes(&mut queue, rows);
    assert_eq!(queue.new_above(), 0, "all of it was in sight");
}

#[test]
fn mail_that_comes_while_the_list_is_scrolled_is_counted_once() {
    let mut queue = queue(40);
    queue.move_by(16);
    let newer = |number, minutes: i64| {
        let mut row = fixture::row(number);
        let seconds = row.asked_at.as_second() + 60 * minutes;
        row.asked_at = Timestamp::from_second(seconds).unwrap();
        row
    };
    let mut rows: Vec<QueueRow> = (0..40).map(fixture::row).collect();

    for came in 1..=3 {
        rows.insert(0, newer(100 + came, 200 + came));
        mail_comes(&mut queue, rows.clone());
        let _none = queue.settle(10);
        assert_eq!(queue.new_above(), u64::try_from(came).unwrap());
    }
}

#[test]
fn only_rows_near_the_window_are_asked_for() {
    let mut queue = queue(100_000);
    queue.to_bottom();

    let Some(Effect::LoadPage { offset, limit, .. }) = queue.settle(10) else {
        panic!("rows in sight are missing and nobody asks")
    };

    assert_eq!((offset, limit), (99_980, ROWS_AT_LEAST));
    assert!(queue.settle(10).is_none(), "asked twice");
}

#[test]
fn an_older_answer_is_dropped() {
    let mut queue = queue(40);
    let Effect::LoadPage { turn, .. } = queue.reload() else {
        panic!("no question")
    };
    let _newer = queue.reload();

    assert!(!queue.took(turn, page(0..1, 0, 1)));
    assert_eq!(queue.total(), 40);
}

#[test]
fn a_filter_that_names_a_status_looks_at_every_ticket() {
    let mut queue = queue(40);

    queue.set_filter("status:solved refund").unwrap();

    assert_eq!(queue.query(), Query::parse("status:solved refund").unwrap());
    assert!(queue.set_filter("is:nice").is_err());
    assert_eq!(queue.filter(), "status:solved refund");
    queue.set_filter("refund").unwrap();
    assert_eq!(queue.query(), Query::parse("is:unsolved refund").unwrap());
}

#[test]
fn a_lower_window_keeps_the_cursor_in_sight() {
    let mut queue = queue(40);
    queue.move_by(9);

    let _more = queue.settle(4);

    assert!(queue.visible().contains(&queue.cursor()));
    assert_eq!(queue.cursor(), 9);
}

#[test]
fn seeking_goes_round_the_end() {
    let mut queue = queue(40);
    queue.move_by(20);
    let third = queue.row(3).unwrap().id;

    assert!(queue.seek(|row| row.id == third));
    assert_eq!(queue.cursor(), 3);
}
