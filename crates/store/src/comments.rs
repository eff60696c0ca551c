//! The table `recording_comments`: what was said of a recording, at which moment of it.

use crate::fold;
use hatif_core::{
    comment::{Comment, CommentDraft, CommentsAnswer, CommentsAsk, MOST},
    text::Text,
};
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `at` is milliseconds from the recording's beginning, `made` milliseconds since the epoch.
pub(crate) const MIGRATIONS: &[(u32, &str)] = &[(
    15,
    "CREATE TABLE recording_comments (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        recording TEXT NOT NULL,
        at        INTEGER NOT NULL,
        reply_to  INTEGER,
        text      TEXT NOT NULL,
        folded    TEXT NOT NULL,
        made      INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX recording_comments_recording ON recording_comments (recording, at);",
)];

pub(crate) fn obey(db: &mut Connection, ask: CommentsAsk) -> CommentsAnswer {
    let recording = ask.recording().to_owned();
    let done = db.transaction().and_then(|transaction| {
        let comments = answer(&transaction, ask)?;
        transaction.commit()?;
        Ok(comments)
    });
    let comments = done.unwrap_or_else(|error| {
        let code = error.sqlite_error().map(|failure| failure.extended_code);
        tracing::error!(code, "a comment was not kept");
        Err(Text::new("store.write_failed"))
    });
    CommentsAnswer { recording, comments }
}

fn answer(db: &Connection, ask: CommentsAsk) -> Result<Result<Vec<Comment>, Text>> {
    let recording = ask.recording().to_owned();
    let refused = match ask {
        CommentsAsk::Of { .. } => None,
        CommentsAsk::Keep { recording, draft, now } => match draft.checked() {
            Ok(draft) => keep(db, &recording, &draft, now)?,
            Err(text) => Some(text),
        },
        CommentsAsk::Delete { recording, id } => {
            db.prepare_cached("DELETE FROM recording_comments WHERE recording = ?1 AND (id = ?2 OR reply_to = ?2)")?
                .execute(params![recording, id])?;
            None
        }
    };
    match refused {
        Some(text) => Ok(Err(text)),
        None => of(db, &recording).map(Ok),
    }
}

/// `Some`: why it was not kept.
fn keep(db: &Connection, recording: &str, draft: &CommentDraft, now: SystemTime) -> Result<Option<Text>> {
    let folded = fold::fold(&draft.text);
    if let Some(id) = draft.id {
        let changed = db
            .prepare_cached("UPDATE recording_comments SET text = ?3, folded = ?4 WHERE recording = ?1 AND id = ?2")?
            .execute(params![recording, id, draft.text, folded])?;
        return Ok((changed == 0).then(|| Text::new("comment.gone")));
    }
    let there = db.query_row("SELECT 1 FROM recordings WHERE name = ?1", [recording], |_| Ok(())).optional()?;
    if there.is_none() {
        return Ok(Some(Text::new("recording.gone")));
    }
    let count: u32 =
        db.query_row("SELECT count(*) FROM recording_comments WHERE recording = ?1", [recording], |row| row.get(0))?;
    if count >= MOST {
        return Ok(Some(Text::new("comment.too_many").with("n", MOST.to_string())));
    }
    // An answer stands where what it answers stands; an answer to an answer joins the same thread.
    let answered: Option<(u32, i64)> = match draft.reply_to {
        None => None,
        Some(id) => {
            let sql = "SELECT coalesce(reply_to, id), at FROM recording_comments WHERE recording = ?1 AND id = ?2";
            let row = db.query_row(sql, params![recording, id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some(row) = row else { return Ok(Some(Text::new("comment.gone"))) };
            Some(row)
        }
    };
    let at = answered.map_or(i64::from(draft.at_ms), |(_, at)| at);
    db.prepare_cached(
        "INSERT INTO recording_comments (recording, at, reply_to, text, folded, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![recording, at, answered.map(|(id, _)| id), draft.text, folded, to_millis(now)])?;
    Ok(None)
}

fn of(db: &Connection, recording: &str) -> Result<Vec<Comment>> {
    let mut statement = db.prepare_cached(
        "SELECT id, at, reply_to, text, made FROM recording_comments WHERE recording = ?1 ORDER BY at, id",
    )?;
    let rows = statement.query_map([recording], |row| {
        let millis = |at: i64| Duration::from_millis(at.max(0).unsigned_abs());
        Ok(Comment {
            id: row.get(0)?,
            at: millis(row.get(1)?),
            reply_to: row.get(2)?,
            text: row.get(3)?,
            made: UNIX_EPOCH.checked_add(millis(row.get(4)?)).unwrap_or(UNIX_EPOCH),
        })
    })?;
    rows.collect()
}

/// All of a recording that goes.
pub(crate) fn forget(db: &Connection, recording: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM recording_comments WHERE recording = ?1")?.execute([recording])?;
    Ok(())
}

fn to_millis(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recordings;
    use hatif_core::recording::RecordingQuery;

    const NAME: &str = "0123456789abcdef0123456789abcdef";

    struct Library {
        _dir: tempfile::TempDir,
        database: crate::database::Database,
    }

    impl Library {
        /// With one recording.
        fn new() -> Library {
            let dir = tempfile::tempdir().unwrap();
            let database = crate::database::open(dir.path());
            recordings::save(&database.db, &recordings::tests::recording(0, "Nora", "1007")).unwrap();
            database.db.execute("UPDATE recordings SET name = ?1", [NAME]).unwrap();
            Library { _dir: dir, database }
        }

        fn ask(&mut self, ask: CommentsAsk) -> Result<Vec<Comment>, &'static str> {
            obey(&mut self.database.db, ask).comments.map_err(|text| text.code)
        }

        fn say(&mut self, at_ms: u32, text: &str, reply_to: Option<u32>) -> Result<Vec<Comment>, &'static str> {
            let draft = CommentDraft { id: None, at_ms, reply_to, text: text.into() };
            self.ask(CommentsAsk::Keep { recording: NAME.into(), draft, now: UNIX_EPOCH + Duration::from_secs(9) })
        }

        fn found(&self, text: &str) -> Vec<u32> {
            let query = RecordingQuery { text: text.into(), limit: 10, ..Default::default() };
            let page = recordings::find(&self.database.db, &query).unwrap();
            page.recordings.iter().map(|row| row.comments).collect()
        }
    }

    fn words(comments: &[Comment]) -> Vec<(u64, Option<u32>, &str)> {
        comments.iter().map(|c| (c.at.as_millis() as u64, c.reply_to, c.text.as_str())).collect()
    }

    #[test]
    fn comments_come_by_their_moment_and_answers_stand_with_what_they_answer() {
        let mut library = Library::new();
        library.say(90_000, "too quick", None).unwrap();
        let all = library.say(4_000, " أحسنت ", None).unwrap();
        let (first, late) = (all[0].id, all[1].id);
        let all = library.say(0, "why?", Some(late)).unwrap();
        let answer = all.iter().find(|c| c.text == "why?").unwrap().id;
        let all = library.say(0, "she waited", Some(answer)).unwrap();
        let thread = Some(late);
        let expected = [
            (4_000, None, "أحسنت"),
            (90_000, None, "too quick"),
            (90_000, thread, "why?"),
            (90_000, thread, "she waited"),
        ];
        assert_eq!(words(&all), expected);
        assert_eq!(all[0].made, UNIX_EPOCH + Duration::from_secs(9));

        let draft = CommentDraft { id: Some(first), at_ms: 7, reply_to: None, text: "very well".into() };
        let all = library.ask(CommentsAsk::Keep { recording: NAME.into(), draft, now: UNIX_EPOCH }).unwrap();
        assert_eq!((all[0].text.as_str(), all[0].at), ("very well", Duration::from_secs(4)), "its moment stays");
        let all = library.ask(CommentsAsk::Delete { recording: NAME.into(), id: late }).unwrap();
        assert_eq!(words(&all), [(4_000, None, "very well")], "its answers go with it");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut library = Library::new();
        assert_eq!(library.say(0, "", None).unwrap().len(), 1, "a bookmark");
        assert_eq!(library.say(0, "what?", Some(77)), Err("comment.gone"));
        assert_eq!(library.say(0, &"a".repeat(2_001), None), Err("comment.too_long"));
        let draft = CommentDraft { id: Some(77), at_ms: 0, reply_to: None, text: "x".into() };
        let gone = CommentsAsk::Keep { recording: NAME.into(), draft: draft.clone(), now: UNIX_EPOCH };
        assert_eq!(library.ask(gone), Err("comment.gone"));
        let elsewhere = CommentDraft { id: None, ..draft };
        let nowhere = CommentsAsk::Keep { recording: "nowhere".into(), draft: elsewhere, now: UNIX_EPOCH };
        assert_eq!(library.ask(nowhere), Err("recording.gone"));
        for n in 1..MOST {
            library.say(n, "x", None).unwrap();
        }
        assert_eq!(library.say(0, "one more", None), Err("comment.too_many"));
    }

    #[test]
    fn recordings_are_found_by_what_was_said_of_them_and_take_it_with_them() {
        let mut library = Library::new();
        assert!(library.found("سلام").is_empty());
        library.say(0, "سَلامٌ عليكم", None).unwrap();
        library.say(0, "", None).unwrap();
        assert_eq!(library.found("سلام nora"), [2]);
        assert_eq!(library.found(""), [2]);
        // By what was noted of the call, too.
        let noted = "INSERT INTO wrap_ups (entry, disposition, notes, tags, next_action, done, folded) \
             VALUES (0, '', '', '', '', 1, 'refund')";
        library.database.db.execute(noted, []).unwrap();
        assert_eq!(library.found("refund سلام"), [2]);
        recordings::delete(&library.database.db, NAME).unwrap();
        let left: u32 =
            library.database.db.query_row("SELECT count(*) FROM recording_comments", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
    }
}
