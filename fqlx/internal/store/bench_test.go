package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// An exchange writes about nine entries of a kilobyte in all: documents and index entries under random keys.
const benchKeys, benchKey, benchValue = 9, 32, 80

func random(n int) []byte {
	b := make([]byte, n, n+8)
	for i := 0; i < n; i += 8 {
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], rand.Uint64())
		copy(b[i:], w[:])
	}
	return b
}

func parallel(b *testing.B, goroutines int, op func() error) {
	b.SetParallelism(max(1, goroutines/2)) // times GOMAXPROCS, 2 where this was tuned
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := op(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

var benchClients = []int{2, 8, 64}

// BenchmarkCommit is to be held against BenchmarkRawPebble: the same writes, durable, with the same group commit.
func BenchmarkCommit(b *testing.B) {
	for _, clients := range benchClients {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openTest(b, nil, Options{Dir: b.TempDir()})
			parallel(b, clients, func() error {
				_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
					for range benchKeys {
						tx.Put(Key{Prefix: random(benchKey)}, random(benchValue), 0)
					}
					return nil
				})
				return err
			})
		})
	}
}

// BenchmarkExchange reads as an exchange does: some look-ups that find nothing, some that do, then nine writes.
func BenchmarkExchange(b *testing.B) {
	for _, clients := range benchClients {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openTest(b, nil, Options{Dir: b.TempDir()})
			put(b, s, "collection=x", "role=x")
			parallel(b, clients, func() error {
				_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
					for range 5 {
						it := tx.Scan(Range{Prefix: random(benchKey)})
						it.Next()
						it.Close()
					}
					for _, p := range []string{"collection", "role"} {
						if _, _, err := tx.Get([]byte(p)); err != nil {
							return err
						}
					}
					for range benchKeys {
						tx.Put(Key{Prefix: random(benchKey)}, random(benchValue), 0)
					}
					return nil
				})
				return err
			})
		})
	}
}

func BenchmarkRawPebble(b *testing.B) {
	for _, clients := range benchClients {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openTest(b, nil, Options{Dir: b.TempDir()})
			parallel(b, clients, func() error {
				batch := s.db.NewBatch()
				for range benchKeys {
					key := append(appendPrefix(make([]byte, 0, benchKey+10), random(benchKey)), make([]byte, timeLen)...)
					if err := batch.Set(key, random(benchValue), nil); err != nil {
						return err
					}
				}
				return s.db.Apply(batch, pebble.Sync)
			})
		})
	}
}

// fill writes n documents without waiting for the disk, and settles them in tables.
func fill(b *testing.B, s *Store, n int) func(i int) []byte {
	prefix := func(i int) []byte {
		p := make([]byte, benchKey, benchKey+8)
		binary.BigEndian.PutUint64(p, uint64(i)*0x9e3779b97f4a7c15)
		return p
	}
	ts := s.clock.take()
	for i := 0; i < n; {
		batch := s.db.NewBatch()
		for range 1000 {
			if err := batch.Set(appendTime(name(Key{Prefix: prefix(i)}), ts), appendValue(nil, random(200), 0), nil); err != nil {
				b.Fatal(err)
			}
			i++
		}
		if err := s.db.Apply(batch, pebble.NoSync); err != nil {
			b.Fatal(err)
		}
	}
	s.clock.done(true)
	s.durable.reach(ts)
	if err := s.db.Compact(context.Background(), []byte{0}, []byte{0xff}, true); err != nil {
		b.Fatal(err)
	}
	return prefix
}

// BenchmarkGet looks up entries among a million. The raw variants ask Pebble the same without versions and read sets.
func BenchmarkGet(b *testing.B) {
	const n = 1_000_000
	s := openTest(b, nil, Options{Dir: b.TempDir(), CacheBytes: 512 << 20}) // all of it
	prefix := fill(b, s, n)
	var next atomic.Int64
	index := func() int { return int(next.Add(7919) % n) }
	warm := s.Begin()
	for range n {
		if _, ok, err := warm.Get(prefix(index())); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
	warm.Discard()
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		tx := s.Begin()
		defer tx.Discard()
		for i := range b.N {
			if i%1000 == 999 {
				tx.points = tx.points[:0]
			}
			if _, ok, err := tx.Get(prefix(index())); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		tx := s.Begin()
		defer tx.Discard()
		for i := range b.N {
			if i%1000 == 999 {
				tx.points = tx.points[:0]
			}
			if _, ok, err := tx.Get(prefix(n + index())); err != nil || ok {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("raw hit", func(b *testing.B) {
		b.ReportAllocs()
		it, err := s.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
		if err != nil {
			b.Fatal(err)
		}
		defer it.Close()
		for range b.N {
			if !it.SeekPrefixGE(appendPrefix(nil, prefix(index()))) {
				b.Fatal(it.Error())
			}
		}
	})
	b.Run("transaction of ten", func(b *testing.B) { // per transaction, with its iterator
		b.ReportAllocs()
		for range b.N {
			_, err := s.Update(context.Background(), UpdateOptions{}, func(tx *Tx) error {
				for range 10 {
					if _, ok, err := tx.Get(prefix(index())); err != nil || !ok {
						return fmt.Errorf("%v %w", ok, err)
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scan of 100", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			tx := s.Begin()
			it := tx.ScanPrefixes(prefix(index()), append([]byte{0xff}, prefix(0)[1:]...), false)
			for range 100 {
				it.Next()
			}
			tx.Discard()
		}
	})
}

// BenchmarkDisk reports the bytes that a transaction of nine keys takes after compaction.
func BenchmarkDisk(b *testing.B) {
	s := openTest(b, nil, Options{Dir: b.TempDir()})
	for range b.N {
		update(b, s, func(tx *Tx) error {
			for range benchKeys {
				tx.Put(Key{Prefix: random(benchKey)}, random(benchValue), 0)
			}
			return nil
		})
	}
	if err := s.db.Compact(context.Background(), []byte{0}, []byte{0xff}, true); err != nil {
		b.Fatal(err)
	}
	m := s.db.Metrics()
	b.ReportMetric(float64(m.Total().TablesSize)/float64(b.N), "B/tx")
}
