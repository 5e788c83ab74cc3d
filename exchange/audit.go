package exchange

import (
	"encoding/json"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/labstack/echo/v4"
)

// auditLine is the record of one decision. Like the log it holds no token, no secret, and no
// claim but those that name who asked.
type auditLine struct {
	Time      string    `json:"time"` // UTC
	RequestID string    `json:"request_id"`
	Operation operation `json:"operation"`
	Decision  string    `json:"decision"` // issued, ended, denied, noted, refused, failed
	Reason    Reason    `json:"reason,omitempty"`
	Tenant    string    `json:"tenant,omitempty"`
	Subject   string    `json:"sub,omitempty"`
	ClientID  string    `json:"client_id,omitempty"`
	UserID    string    `json:"user_id,omitempty"`
	SessionID string    `json:"session_id,omitempty"`
	JWTHash   string    `json:"jwt_hash,omitempty"`
	IP        string    `json:"ip"`
}

// audit writes down what was decided: a line for what was issued or refused, and one for each
// session that ended, or one that a mark was left for JWTs to come where none did.
func (s *Service) audit(c echo.Context, r *record) {
	if s.Audit == nil || r.op == "" || r.outcome == "" {
		return
	}
	line := auditLine{
		Time:      s.Now().UTC().Format(time.RFC3339Nano),
		RequestID: r.id,
		Operation: r.op,
		Decision:  decisions[r.outcome],
		Reason:    r.reason,
		Tenant:    clean(r.who.tenant),
		Subject:   clean(r.who.subject),
		ClientID:  clean(r.who.client),
		SessionID: r.session,
		JWTHash:   r.who.hash,
		IP:        c.RealIP(),
	}
	if len(r.ended) > 0 {
		for _, ended := range r.ended {
			s.writeAudit(line.of(ended))
		}
		if r.outcome == "ended" {
			return
		}
	}
	s.writeAudit(line)
}

// decisions gives the audit's word for an outcome. That nothing ended means that a mark was left.
var decisions = map[string]string{
	"issued": "issued", "ended": "denied", "done": "noted", "refused": "refused", "error": "failed",
}

// of is the line for a session that ended.
func (l auditLine) of(ended fqlx.Ended) auditLine {
	l.Decision, l.Reason = "ended", ""
	l.SessionID, l.UserID, l.JWTHash = ended.SessionID, ended.UserID, ended.JWTHash
	if ended.ClientID != "" {
		l.ClientID = clean(ended.ClientID)
	}
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
