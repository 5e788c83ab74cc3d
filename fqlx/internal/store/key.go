package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Key names one entry. Prefix is the unit of look-up and of the bloom filter: a document, or an index with its terms.
// It is not empty. Suffix orders the entries within the prefix: index values and document id. Suffixes under one
// prefix are prefix-free (none begins another), so an empty suffix stands alone.
type Key struct{ Prefix, Suffix []byte }

// A version is stored under
//
//	uint16(len prefix) ‖ prefix ‖ suffix ‖ ^uint64(commit time)     big-endian
//
// so that newer versions of an entry come first and plain byte order is the order of (prefix, suffix, newest). What
// precedes the time is called the name of an entry here.
const timeLen = 8

const (
	flagDeleted = 1 << iota
	flagTTL
)

// leaseKey holds the time that no commit or snapshot has gone beyond. No entry has an empty prefix.
var leaseKey = []byte("\x00\x00lease")

func appendPrefix(dst, prefix []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(prefix)))
	return append(dst, prefix...)
}

func appendTime(dst []byte, ts int64) []byte {
	return binary.BigEndian.AppendUint64(dst, ^uint64(ts))
}

// splitVersion takes a stored key apart into the entry's name and the commit time.
func splitVersion(k []byte) (name []byte, ts int64) {
	n := max(len(k)-timeLen, 0)
	if n < 2 {
		return k, 0
	}
	return k[:n:n], int64(^binary.BigEndian.Uint64(k[n:]))
}

// splitName takes a name apart.
func splitName(name []byte) Key {
	n := splitPrefix(name)
	return Key{Prefix: name[2:n:n], Suffix: name[n:]}
}

// splitPrefix is Pebble's Split: the length of what the bloom filter knows. Pebble also asks it about separators,
// which are cut short; those are all prefix.
func splitPrefix(k []byte) int {
	if len(k) < 2 {
		return len(k)
	}
	return min(len(k), 2+int(binary.BigEndian.Uint16(k)))
}

// appendAfter appends the least key above everything that begins with p. There is one: p begins with its length, which
// is not the highest.
func appendAfter(dst, p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xff {
			return append(append(dst, p[:i]...), p[i]+1)
		}
	}
	return dst
}

// comparer orders by bytes. The length in front makes a prefix self-delimiting, therefore plain byte order satisfies
// Pebble's demand that prefixes order keys before suffixes do, and its default helpers hold.
var comparer = &pebble.Comparer{
	Name:                 "fauna-login.store.1",
	Compare:              bytes.Compare,
	Equal:                bytes.Equal,
	ComparePointSuffixes: bytes.Compare,
	CompareRangeSuffixes: bytes.Compare,
	AbbreviatedKey:       pebble.DefaultComparer.AbbreviatedKey,
	Separator:            pebble.DefaultComparer.Separator,
	Successor:            pebble.DefaultComparer.Successor,
	FormatKey:            pebble.DefaultComparer.FormatKey,
	Split:                splitPrefix,
}

// appendValue appends flags ‖ ttl (a varint, when there is one) ‖ data.
func appendValue(dst, data []byte, ttl int64) []byte {
	if ttl == 0 {
		return append(append(dst, 0), data...)
	}
	return append(binary.AppendVarint(append(dst, flagTTL), ttl), data...)
}

// valueSize is the most that appendValue appends.
func valueSize(data []byte, ttl int64) int {
	if ttl == 0 {
		return 1 + len(data)
	}
	return 1 + binary.MaxVarintLen64 + len(data)
}

// version is one decoded version of an entry.
type version struct {
	ts, ttl int64
	deleted bool
	data    []byte
}

func decodeValue(ts int64, v []byte) (version, error) {
	if len(v) == 0 || v[0]&^(flagDeleted|flagTTL) != 0 {
		return version{}, fmt.Errorf("%w: a value cannot be read; restore the directory from a copy", ErrCorrupt)
	}
	out := version{ts: ts, deleted: v[0]&flagDeleted != 0, data: v[1:]}
	if v[0]&flagTTL != 0 {
		ttl, n := binary.Varint(v[1:])
		if n <= 0 {
			return version{}, fmt.Errorf("%w: a time to live cannot be read; restore the directory from a copy", ErrCorrupt)
		}
		out.ttl, out.data = ttl, v[1+n:]
	}
	return out, nil
}

// seen reports whether a snapshot that has this version sees an entry.
func (v version) seen(snapshot int64) bool {
	return !v.deleted && (v.ttl == 0 || v.ttl > snapshot)
}
