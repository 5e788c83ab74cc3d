package eval

import "unicode/utf8"

// Limits bound what one query may use. A zero field means its default.
type Limits struct {
	// Steps are evaluated expressions and elements looked at; default 2,000,000.
	Steps int64
	// Frames are calls within calls; default 2048 (Fauna).
	Frames int
	// Built is the size in bytes of all strings and arrays that are made on the way;
	// default 256 MiB.
	Built int64
	// Scanned are documents and index entries read; default 1,000,000.
	Scanned int64
	// Result is the size in bytes of what is sent back; default 16 MiB.
	Result int64
}

const (
	maxString = 16 << 20 // characters, as Java counts them (Fauna)
	maxArray  = 16_000   // elements of an array that is made by a function (Fauna)

	// maxNested bounds expressions within expressions, across all calls. Each takes some
	// hundred bytes of stack, so it ends a recursion long before the stack does.
	maxNested = 50_000

	// A look at the clock costs more than a step.
	stepsBetweenChecks = 1024

	// Fauna counts 50 calls as one compute operation; a call takes about three steps.
	stepsPerComputeOp = 150
)

// budget is what one query has used of its limits.
type budget struct {
	limits      Limits
	steps       int64
	nextCheck   int64 // the step at which limits and deadline are looked at again
	built       int64
	scanned     int64
	resultBytes int64
}

func newBudget(l Limits) budget {
	defaultTo(&l.Steps, 2_000_000)
	defaultTo(&l.Frames, 2048)
	defaultTo(&l.Built, 256<<20)
	defaultTo(&l.Scanned, 1_000_000)
	defaultTo(&l.Result, 16<<20)
	return budget{limits: l}
}

func defaultTo[T int | int64](field *T, n T) {
	if *field == 0 {
		*field = n
	}
}

// computeOps is what Fauna calls compute operations; a query has at least one.
func (b *budget) computeOps() int64 { return b.steps/stepsPerComputeOp + 1 }

// spend takes steps from the budget. Every so often it also looks whether the query should
// end, and then its error is that of the context.
func (ev *evaluator) spend(steps int) error {
	b := &ev.budget
	b.steps += int64(steps)
	if b.steps < b.nextCheck {
		return nil
	}
	if b.steps > b.limits.Steps {
		return errorf("invalid_request", "Transaction does too much compute: got %d, limit: %d",
			b.computeOps(), b.limits.Steps/stepsPerComputeOp)
	}
	b.nextCheck = min(b.steps+stepsBetweenChecks, b.limits.Steps+1)
	return ev.ctx.Err()
}

// scan takes n documents or index entries from the budget.
func (ev *evaluator) scan(n int) error {
	b := &ev.budget
	b.scanned += int64(n)
	if b.scanned > b.limits.Scanned {
		return errorf("invalid_request", "Transaction reads too much: got %d entries, limit: %d", b.scanned, b.limits.Scanned)
	}
	return ev.spend(n)
}

// build takes the size of something that is about to be made from the budget.
func (ev *evaluator) build(bytes int) error {
	b := &ev.budget
	b.built += int64(bytes)
	if b.built > b.limits.Built {
		return errorf("value_too_large", "Value too large: strings and arrays of %d bytes in one query exceed limit %d.", b.built, b.limits.Built)
	}
	return nil
}

// roomFor checks the size of a string that is about to be put together out of parts.
func (ev *evaluator) roomFor(parts ...string) error {
	bytes := 0
	for _, s := range parts {
		bytes += len(s)
	}
	if bytes > maxString { // at most that many characters otherwise
		if n := javaLength(parts...); n > maxString {
			return errorf("value_too_large", "Value too large: string size %d exceeds limit %d.", n, maxString)
		}
	}
	return ev.build(bytes)
}

// roomForArray checks the size of an array that is about to be made.
func (ev *evaluator) roomForArray(n int) error {
	if n > maxArray {
		return errorf("value_too_large", "Value too large: array size %d exceeds limit %d.", n, maxArray)
	}
	return ev.build(n * 16)
}

// javaLength counts UTF-16 code units, the unit of Fauna's limit.
func javaLength(parts ...string) int {
	n := 0
	for _, s := range parts {
		n += utf8.RuneCountInString(s)
		for _, r := range s {
			if r > 0xFFFF {
				n++
			}
		}
	}
	return n
}
