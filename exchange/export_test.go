package exchange

import (
	"context"

	"time"

	"github.com/fauna-login/fauna-login/fqlx"
)

// SetAfter replaces the timer between background fetches; call it before Start.
func (v *Verifier) SetAfter(after func(time.Duration) <-chan time.Time) { v.after = after }

// ReadOnBehalf reads a body of POST /fauna-login/on-behalf for a client of the tenant.
func ReadOnBehalf(tenant Tenant, client, body string, maxTTL time.Duration) (r fqlx.OnBehalfRequest, ok bool) {
	reader := onBehalfReader{tenant: &tenant, client: client, maxTTL: maxTTL}
	return r, reader.read(body, &r) == nil
}

// ParseEvent is parseEvent.
var ParseEvent = parseEvent

var NewTurns = newTurns

func (t *turns) Take(ctx context.Context, session string) (func(), error) {
	return t.take(ctx, session)
}
