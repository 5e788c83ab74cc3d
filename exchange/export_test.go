package exchange

import "time"

// SetAfter replaces the timer between background fetches; call it before Start.
func (v *Verifier) SetAfter(after func(time.Duration) <-chan time.Time) { v.after = after }
