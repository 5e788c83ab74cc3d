package exchange

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/labstack/echo/v4"
)

// maxEventAhead is how far an event's time may be ahead of our clock: it outranks every event
// that comes before that time.
const maxEventAhead = 5 * time.Minute

// maxEvent is the largest event that is read, in bytes. An event holds all of a user, also what
// they may write themselves (`user_metadata`), and must not be lost for that. At Auth0 a profile
// ends at about 100 KiB, in some older tenants at 16 MB.
const maxEvent = 1 << 20

// eventWorkers is how many events are brought to Fauna at once. The others wait: a flood of
// events must not take Fauna from the exchanges.
const eventWorkers = 4

// postEvent takes what Auth0's event stream says of a user: deleted, or blocked, or no longer
// blocked. Auth0 sends an event again after a 5xx and after no answer, never after a 4xx, so
// these are for what will never be good. It sends events twice and out of order; Fauna keeps the
// time of the last one.
func (s *Service) postEvent(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), hookTimeout)
	defer cancel()
	tenant, ok := ctx.Value(jwtmiddleware.ContextKey{}).(string)
	if !ok {
		return errors.New("event without a tenant")
	}
	r := recordOf(ctx)
	r.who.tenant = tenant
	body, err := readBodyUpTo(c, maxEvent)
	if err != nil {
		return err
	}
	if media := mediaType(c); media != "application/json" && media != "application/cloudevents+json" {
		return &Error{problem: problemEventType, Reason: ReasonRequest}
	}
	event, err := parseEvent(string(body), s.Now())
	if err != nil {
		return &Error{problem: problemEvent, Reason: ReasonRequest, Err: err}
	}
	r.outcome = "done"
	if event.Subject == "" {
		return c.NoContent(http.StatusNoContent) // of no concern to us
	}
	r.who.subject = event.Subject
	event.Tenant, event.Keep = tenant, s.Verifier.longestLife()+maxEventAhead
	if err := s.applyEvent(ctx, event); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// applyEvent brings an event to Fauna, when it is its turn.
func (s *Service) applyEvent(ctx context.Context, event fqlx.UserEvent) error {
	done, err := s.eventPlaces.take(ctx)
	if err != nil {
		return faunaError(ctx, err)
	}
	defer done()
	ending := event.Deleted || event.Blocked
	applied, ended, err := s.Fauna.ApplyUserEvent(ctx, event)
	if errors.Is(err, fqlx.ErrFunction) || errors.Is(err, fqlx.ErrRefused) {
		// The app's upsertAuth0User, or its user collection, takes no such document.
		if !ending {
			return &Error{problem: problemUnavailable, Reason: ReasonApp, RetryAfter: 10 * time.Second, Err: err} // it may be mended
		}
		applied = true
		var more []fqlx.Ended
		more, err = s.denyUser(ctx, event)
		ended = append(ended, more...)
	}
	if ending && applied {
		recordOf(ctx).endedAll(ended...)
	}
	if err != nil {
		return endError(ctx, err)
	}
	return nil
}

// denyUser does of a block or a deletion what needs no user document: what Auth0 issued until
// then is denied.
func (s *Service) denyUser(ctx context.Context, event fqlx.UserEvent) ([]fqlx.Ended, error) {
	before := event.Time
	if now := s.Now(); event.Blocked && now.After(before) {
		before = now
	}
	return s.Fauna.EndSessions(ctx, fqlx.EndRequest{
		Tenant: event.Tenant, Kind: fqlx.KindUser, Value: event.Subject, Deleted: event.Deleted, Before: before, Keep: event.Keep,
	})
}

// eventOutline is what is read of an event. The rest is in part the user's to write, who must not
// be able to make an event of theirs unreadable.
var eventOutline = outline{
	"specversion": nil, "id": nil, "type": nil, "time": nil, "a0purpose": nil,
	"data": {"object": {"user_id": nil, "blocked": nil}},
}

// parseEvent reads a CloudEvent (CloudEvents 1.0.2, JSON format §2) of Auth0's event stream.
// The subject is empty if the event is nothing to us: it is of another type, says nothing of
// `blocked`, is about something else than a user, or is a test.
func parseEvent(body string, now time.Time) (fqlx.UserEvent, error) {
	doc, err := parseOutline(body, eventOutline)
	if err != nil {
		return fqlx.UserEvent{}, err
	}
	r := eventReader{doc: doc}
	if r.text(0, "specversion") != "1.0" {
		r.fail("specversion: 1.0 expected")
	}
	r.text(0, "id")
	kind := r.text(0, "type")
	if r.err != nil {
		return fqlx.UserEvent{}, r.err
	}
	if purpose, found := doc.member(0, "a0purpose"); found && doc[purpose].text == "test" {
		return fqlx.UserEvent{}, nil
	}
	var event fqlx.UserEvent
	switch kind {
	case "user.deleted":
		event.Deleted = true
	case "user.updated":
	default:
		return fqlx.UserEvent{}, nil
	}
	object := r.object(r.object(0, "data"), "object")
	event.Subject = strings.Clone(r.text(object, "user_id")) // outlives the body
	event.Time = r.time("time", now)
	told := event.Deleted
	if kind == "user.updated" {
		event.Blocked, told = r.flag(object, "blocked")
	}
	if r.err != nil {
		return fqlx.UserEvent{}, r.err
	}
	if !told || checkSubject(claims{subject: event.Subject}) != nil {
		return fqlx.UserEvent{}, nil
	}
	return event, nil
}

// eventReader reads members of an event. The first mistake stays.
type eventReader struct {
	doc jsonDoc
	err error
}

func (r *eventReader) fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
}

// member finds a member of the object at an index. After a mistake there are none.
func (r *eventReader) member(at int, name string) (int, bool) {
	if r.err != nil {
		return 0, false
	}
	return r.doc.member(at, name)
}

func (r *eventReader) object(at int, name string) int {
	member, found := r.member(at, name)
	if !found || r.doc[member].kind != jsonObject {
		r.fail(name + ": an object expected")
	}
	return member
}

// text reads a string that is not empty.
func (r *eventReader) text(at int, name string) string {
	member, found := r.member(at, name)
	if !found || r.doc[member].kind != jsonString || r.doc[member].text == "" {
		r.fail(name + ": a string expected")
		return ""
	}
	return r.doc[member].text
}

// flag reads an optional boolean.
func (r *eventReader) flag(at int, name string) (value, found bool) {
	member, found := r.member(at, name)
	if !found {
		return false, false
	}
	kind := r.doc[member].kind
	if kind != jsonTrue && kind != jsonFalse {
		r.fail(name + ": true or false expected")
	}
	return kind == jsonTrue, true
}

// time reads when the event happened, in our days.
func (r *eventReader) time(name string, now time.Time) time.Time {
	t, err := time.Parse(time.RFC3339, r.text(0, name))
	switch {
	case err != nil:
		r.fail(name + ": RFC 3339 expected")
	case t.Unix() < 0:
		r.fail(name + ": before 1970")
	case t.After(now.Add(maxEventAhead)):
		r.fail(name + ": to come")
	}
	return t
}

// eventToken is a bearer of the event webhook, kept as its hash so that comparing takes the same
// time whatever is sent.
type eventToken struct {
	hash   [sha256.Size]byte
	tenant string
}

func eventTokens(tenants []Tenant) (all []eventToken, err error) {
	tenantOf := map[string]string{} // token → tenant
	for _, t := range tenants {
		for _, token := range t.EventTokens {
			if other, found := tenantOf[token]; found && other != t.Name {
				return nil, fmt.Errorf("exchange: tenants %q and %q have an event token in common", other, t.Name)
			}
			tenantOf[token] = t.Name
			all = append(all, eventToken{sha256.Sum256([]byte(token)), t.Name})
		}
	}
	return all, nil
}

// eventTenant is what the JWT middleware of POST /auth0/events calls: the tenant's name for its
// token. All tokens are looked at, so that time does not tell how near a guess was.
func (s *Service) eventTenant(_ context.Context, token string) (any, error) {
	hash, found := sha256.Sum256([]byte(token)), -1
	for i := range s.eventTokens {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], s.eventTokens[i].hash[:]), i, found)
	}
	if found < 0 {
		return nil, &Error{problem: problemEventToken, Reason: ReasonEventToken}
	}
	return s.eventTokens[found].tenant, nil
}
