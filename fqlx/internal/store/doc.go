// Package store keeps versioned entries on disk and runs transactions over them.
//
// An entry is a [Key] with bytes, a commit time and an optional time to live. Nothing is overwritten: each commit
// adds versions stamped with its time, and a transaction reads the versions of one moment, its snapshot, outside any
// lock. What it read (prefixes, and the parts of ranges it walked) is remembered; its commit takes a lock only to
// look whether a later commit wrote there, to take its time, and to append one batch to the log. The wait for the
// disk is shared with every other commit of that moment. So slow transactions hold nobody up, and all that commit
// are strictly serialisable in the order of their times.
//
// Rules that callers build on:
//
//   - Commit times are microseconds since the epoch and strictly increase, also across restarts and when the clock
//     of the machine is set back. No snapshot that left the store is ever equal to or later than a later commit.
//   - [Store.Update] returns only when its own writes, and every write it read, are on disk.
//   - A conflict runs the function again on a new snapshot; it must do nothing outside the transaction.
//   - An entry whose time to live is at or before the snapshot does not exist.
//   - When the log cannot be written, the store refuses every further write until it is opened again: whatever was
//     acknowledged is on disk, whatever came back with [ErrStorage] may or may not be. Reads go on.
//
// A transaction reads and writes:
//
//	res, err := s.Update(ctx, store.UpdateOptions{}, func(tx *store.Tx) error {
//		e, ok, err := tx.Get([]byte("user/7"))
//		if err != nil || ok {
//			return err
//		}
//		tx.Put(store.Key{Prefix: []byte("user/7")}, data, 0)
//		return nil
//	})
//
// The bytes are kept by Pebble. Files: key.go (layout), tx.go and iter.go (reading), hot.go (what is kept in memory),
// commit.go and window.go (commit and validation), flush.go (when tables are written), clock.go (time), disk.go (what
// happens when a disk fails), sweep.go (what nobody can see any more).
package store
