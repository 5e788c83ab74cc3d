package eval

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
)

// FuzzEval runs any text. It must end within its budget, without a panic and without a
// failure of the engine itself.
func FuzzEval(f *testing.F) {
	for _, file := range languageFiles(f) {
		for _, chunk := range file.chunks {
			for _, c := range chunk {
				f.Add(c.query)
			}
		}
	}
	db, err := New(Options{
		Store: openStore(f), RootSecret: rootSecret,
		Limits: Limits{Steps: 50_000, Built: 16 << 20, Scanned: 10_000},
	})
	if err != nil {
		f.Fatal(err)
	}
	files := []schema.File{{Name: "main.fsl", Content: "collection User { *: Any; index byName { terms [.name] } }"}}
	if _, err := db.Push(context.Background(), rootSecret, PushRequest{Files: files}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var e *Error
		switch got := runQuery(ctx, db, src); {
		case got.err == nil:
		case !errors.As(got.err, &e):
			t.Errorf("%q: %v", src, got.err)
		case e.Code == "internal_failure" || e.Code == "":
			t.Errorf("%q: %v", src, e)
		}
	})
}

func openStore(tb testing.TB) *store.Store {
	s, err := store.Open(store.Options{Memory: true, CacheBytes: 1 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}
