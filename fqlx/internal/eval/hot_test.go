package eval

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The schema's version and the key of a service are kept in memory, see store.Tx.GetHot. What changes them is seen by
// the very next request.

func TestKeyOfEveryRequest(t *testing.T) {
	db := newTestDB(t, authFSL)
	first, second := db.key("server"), db.key("server")
	for range 3 {
		for _, key := range []string{first, second} {
			if got := db.as(key, `1 + 1`); got != `2` {
				t.Fatalf("got %s", got)
			}
		}
	}
	db.run(`Key.all().first()!.delete()`)
	db.refused("a deleted key", first)
	if got := db.as(second, `1 + 1`); got != `2` {
		t.Errorf("the other key: %s", got)
	}
	db.run(`Key.all().first()!.delete()`)
	db.refused("the other deleted key", second)
}

func TestKeyThatExpires(t *testing.T) {
	db := newTestDB(t, authFSL)
	key := db.text(rootSecret, `Key.create({ role: "server", ttl: Time.now().add(10, "seconds") }).secret`)
	for range 2 {
		if got := db.as(key, `1 + 1`); got != `2` {
			t.Fatalf("got %s", got)
		}
	}
	db.advance(11 * time.Second)
	db.refused("an expired key", key)
}

// TestKeyDeletedUnderLoad deletes a key while it is in use: no request that begins afterwards gets through, and none
// writes that commits afterwards.
func TestKeyDeletedUnderLoad(t *testing.T) {
	db := newTestDB(t, authFSL)
	key := db.key("server")
	db.as(key, `1`)
	var gone atomic.Bool
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				after := gone.Load()
				_, err := db.try(key, fmt.Sprintf(`Note.create({ n: %d })`, w*1000+i))
				switch {
				case err == nil && after:
					t.Error("a deleted key was accepted")
					return
				case errors.Is(err, ErrUnauthorized):
					return
				case err != nil:
					t.Error(err)
					return
				}
			}
		})
	}
	db.run(`Key.all().forEach(key => key.delete())`)
	gone.Store(true)
	wg.Wait()
}

func TestPushIsSeenAtOnce(t *testing.T) {
	db := newTestDB(t, authFSL)
	key := db.key("server")
	for n := range 20 {
		db.push(fmt.Sprintf("%s\nfunction version() { %d }", authFSL, n))
		for range 2 {
			if got := db.as(key, `version()`); got != fmt.Sprint(n) {
				t.Fatalf("after push %d: %s", n, got)
			}
		}
	}
}
