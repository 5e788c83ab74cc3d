package eval

import (
	"sync"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// queryCacheBytes bounds the texts that are kept parsed. A tree takes some twenty times the
// memory of its text.
const queryCacheBytes = 1 << 20

// queryCache keeps parsed and resolved queries by their text, in two generations: when the
// young one is full it becomes the old one, and what nobody asked for since is dropped. The
// trees are never changed, and hold nothing of a schema.
type queryCache struct {
	mu         sync.Mutex
	limit      int // bytes of text in a generation
	used       int // in the young one
	young, old map[string]*syntax.Query
}

func newQueryCache(bytes int) *queryCache {
	return &queryCache{limit: bytes / 2, young: map[string]*syntax.Query{}}
}

func (c *queryCache) get(text string) *syntax.Query {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.young[text]; q != nil {
		return q
	}
	q := c.old[text]
	if q != nil {
		c.add(text, q)
	}
	return q
}

func (c *queryCache) put(text string, q *syntax.Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(text, q)
}

func (c *queryCache) add(text string, q *syntax.Query) {
	if len(text) > c.limit/8 || c.young[text] != nil {
		return
	}
	if c.used+len(text) > c.limit {
		c.old, c.young, c.used = c.young, map[string]*syntax.Query{}, 0
	}
	c.young[text] = q
	c.used += len(text)
}
