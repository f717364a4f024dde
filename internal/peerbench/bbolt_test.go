package peerbench

import (
	"encoding/binary"
	"fmt"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// boltQueue has a message under each key, and the keys in the order of the messages. It
// is tuned as far as bbolt allows: full pages, and a list of free pages that is not
// written.
type boltQueue struct{ db *bbolt.DB }

var messagesBucket = []byte("messages")

var bolt = opener{"bbolt", func(dir string, synced bool) (queue, error) {
	db, err := bbolt.Open(filepath.Join(dir, "queue.db"), 0o600, &bbolt.Options{
		NoSync:         !synced,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(messagesBucket)
		return err
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return boltQueue{db}, nil
}}

func (q boltQueue) put(messages [][]byte) error {
	return q.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(messagesBucket)
		b.FillPercent = 1
		for _, m := range messages {
			seq, err := b.NextSequence()
			if err != nil {
				return err
			}
			if err := b.Put(binary.BigEndian.AppendUint64(nil, seq), m); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q boltQueue) take(n int, done func([]byte) error) error {
	return q.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(messagesBucket)
		// A cursor skips messages if they are deleted under it.
		keys := make([][]byte, 0, n)
		c := b.Cursor()
		for key, m := c.First(); key != nil && len(keys) < n; key, m = c.Next() {
			if err := done(m); err != nil {
				return err
			}
			keys = append(keys, key)
		}
		if len(keys) < n {
			return fmt.Errorf("there are %d messages of %d", len(keys), n)
		}
		for _, key := range keys {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q boltQueue) Close() error { return q.db.Close() }
