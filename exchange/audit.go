package exchange

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

// auditLine is the record of one decision. Like the log it holds no token, no secret, and no
// claim but those that name who asked; so a line is shorter than 8 KiB.
type auditLine struct {
	Time      string    `json:"time"` // RFC 3339, UTC
	RequestID string    `json:"request_id"`
	Operation operation `json:"operation"`
	Decision  string    `json:"decision"` // an outcome: issued, ended, done, refused, error
	Reason    Reason    `json:"reason,omitempty"`
	Tenant    string    `json:"tenant,omitempty"`
	Subject   string    `json:"sub,omitempty"`
	ClientID  string    `json:"client_id,omitempty"`
	UserID    string    `json:"user_id,omitempty"`
	SessionID string    `json:"session_id,omitempty"`
	JWTHash   string    `json:"jwt_hash,omitempty"`
	IP        string    `json:"ip"`
}

// audit writes down what was decided: one line for each session that ended, also where the rest
// of the request failed, and one for anything else.
func (s *Service) audit(c echo.Context, r *record) {
	if s.Audit == nil || r.op == "" || r.outcome == "" {
		return
	}
	line := auditLine{
		Time:      s.Now().UTC().Format(time.RFC3339Nano),
		RequestID: r.id,
		Operation: r.op,
		Decision:  r.outcome,
		Reason:    r.reason,
		Tenant:    clean(r.who.tenant),
		Subject:   clean(r.who.subject),
		ClientID:  clean(r.client()),
		UserID:    r.user,
		SessionID: r.session,
		JWTHash:   r.who.hash,
		IP:        clean(c.RealIP()),
	}
	for _, ended := range r.ended {
		s.writeAudit(line.of(ended))
	}
	switch {
	case r.outcome != "ended":
		s.writeAudit(line)
	case len(r.ended) == 0: // no session was there; a deny mark for JWTs to come may be
		line.Decision = "done"
		s.writeAudit(line)
	}
}

// of is the line for a session that ended: whose it is, Fauna knows best.
func (l auditLine) of(ended fqlx.Ended) auditLine {
	l.Decision, l.Reason = "ended", ""
	l.Tenant = cmp.Or(clean(ended.Tenant), l.Tenant)
	l.Subject = cmp.Or(clean(ended.Subject), l.Subject)
	l.ClientID = cmp.Or(clean(ended.ClientID), l.ClientID)
	l.UserID, l.SessionID, l.JWTHash = ended.UserID, ended.SessionID, ended.JWTHash
	return l
}

func (s *Service) writeAudit(line auditLine) {
	text, err := json.Marshal(line)
	if err == nil {
		_, err = s.Audit.Write(append(text, '\n'))
	}
	if err != nil {
		s.Log.Error("audit line lost", "request_id", line.RequestID, "err", err)
	}
}
