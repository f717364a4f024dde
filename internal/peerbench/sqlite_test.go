package peerbench

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite"
)

// sqliteQueue is a table whose rows are messages. It is SQLite translated to Go, with a
// write-ahead log, which is quicker than its other journals.
type sqliteQueue struct {
	db                     *sql.DB
	insert, oldest, remove *sql.Stmt
}

var sqlite = opener{"SQLite", func(dir string, synced bool) (queue, error) {
	synchronous := "synchronous(off)"
	if synced {
		synchronous = "synchronous(full)"
	}
	pragmas := url.Values{"_pragma": {"journal_mode(wal)", "locking_mode(exclusive)", synchronous}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "queue.db")+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	q := &sqliteQueue{db: db}
	if err := q.prepare(); err != nil {
		q.Close()
		return nil, err
	}
	return q, nil
}}

func (q *sqliteQueue) prepare() error {
	if _, err := q.db.Exec("CREATE TABLE messages (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"); err != nil {
		return err
	}
	for text, statement := range map[string]**sql.Stmt{
		"INSERT INTO messages (body) VALUES (?)":            &q.insert,
		"SELECT id, body FROM messages ORDER BY id LIMIT ?": &q.oldest,
		"DELETE FROM messages WHERE id <= ?":                &q.remove,
	} {
		var err error
		if *statement, err = q.db.Prepare(text); err != nil {
			return err
		}
	}
	return nil
}

func (q *sqliteQueue) put(messages [][]byte) error {
	return q.commit(func(tx *sql.Tx) error {
		insert := tx.Stmt(q.insert)
		for _, m := range messages {
			if _, err := insert.Exec(m); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q *sqliteQueue) take(n int, done func([]byte) error) error {
	return q.commit(func(tx *sql.Tx) error {
		last, found, err := eachRow(tx.Stmt(q.oldest), n, done)
		if err != nil {
			return err
		}
		if found < n {
			return fmt.Errorf("there are %d messages of %d", found, n)
		}
		_, err = tx.Stmt(q.remove).Exec(last)
		return err
	})
}

// eachRow calls done with the messages that the statement selects. It returns the id of
// the last of them.
func eachRow(oldest *sql.Stmt, n int, done func([]byte) error) (last int64, found int, err error) {
	rows, err := oldest.Query(n)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	var body sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&last, &body); err != nil {
			return 0, 0, err
		}
		if err := done(body); err != nil {
			return 0, 0, err
		}
		found++
	}
	return last, found, rows.Err()
}

func (q *sqliteQueue) commit(change func(*sql.Tx) error) error {
	tx, err := q.db.Begin()
	if err != nil {
		return err
	}
	if err := change(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (q *sqliteQueue) Close() error { return q.db.Close() }
