package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// VerifierConfig configures a Verifier.
type VerifierConfig struct {
	Tenants       []Tenant
	Leeway        time.Duration // for nbf and iat, never exp; zero is none
	MaxLifetime   time.Duration // of a token, exp − iat; zero is 720 h, Auth0's own maximum
	MaxTokenBytes int           // longer tokens are refused unread; zero is no limit of ours
	Keys          KeyConfig
	Now           func() time.Time // nil: time.Now
	HTTP          *http.Client     // for key sets; nil: one of our own
	Log           *slog.Logger     // nil: nothing is logged
}

// Verifier decides about tokens. Its methods may be called concurrently.
type Verifier struct {
	config  VerifierConfig
	issuers map[string]*issuer // iss → what it stands for
	sources []*keySource
	order   []string // the issuers as configured, for KeyStatus

	after   func(time.Duration) <-chan time.Time
	cancel  context.CancelFunc // ends all fetching
	running sync.WaitGroup     // refreshers and fetches, until Close
}

// issuer is one accepted iss.
type issuer struct {
	tenant     *Tenant
	algorithms []string
	keys       *keySource
	user       claimCopier
	session    claimCopier
	sessionID  pointer // nil: no claim holds it
	linkID     pointer // likewise
}

// Verdict is what a verified token says. The zero Verdict means no: see [Verdict.For].
// Its strings share the memory of the whole payload; clone one that is to be kept.
type Verdict struct {
	purpose Purpose // what it was verified for

	Tenant      string // name, from the configuration
	Issuer      string
	Subject     string // provider|id; the client's of a PurposeOnBehalf; may be empty in a logout token
	ClientID    string // azp or client_id; may be empty
	OrgID       string // may be empty
	SessionID   string // Auth0's session id: the claim the tenant names, or sid of a logout token; may be empty
	LinkID      string // the claim the tenant names; may be empty
	TokenID     string // jti; may be empty but in a logout token
	Actor       string // act.sub of a delegated token, one of the tenant's actors
	KeyID       string
	Audience    []string
	Scope       []string
	Permissions []string
	IssuedAt    time.Time // UTC, whole seconds, rounded down
	ExpiresAt   time.Time // likewise; after the Verify call's now

	// Hash names the token: hex SHA-256 over "auth0_jwt/v1\0", the tenant's length (4 bytes,
	// big endian), the tenant, and header.payload as they were sent. The signature is left
	// out: one token may have several.
	Hash string

	// UserClaims and SessionClaims are the copied claims: each a JSON object in Fauna's
	// tagged encoding, to be sent as it is.
	UserClaims, SessionClaims []byte
}

// For reports whether the token was accepted for the purpose. Only Verify makes a Verdict that
// was, and for no more than one.
func (v Verdict) For(purpose Purpose) bool { return purpose != 0 && v.purpose == purpose }

// NewVerifier checks the configuration and loads cached key sets. It does no network I/O:
// keys are fetched when Start is called, or by the first token.
func NewVerifier(config VerifierConfig) (*Verifier, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.MaxLifetime == 0 {
		config.MaxLifetime = 720 * time.Hour
	}
	config.Keys = config.Keys.withDefaults()
	v := &Verifier{config: config, issuers: map[string]*issuer{}, after: jittered}
	lifetime, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	if err := v.addTenants(lifetime); err != nil {
		cancel()
		return nil, err
	}
	return v, nil
}

// jittered fires after d, give or take a tenth, so that many instances do not fetch at once.
func jittered(d time.Duration) <-chan time.Time {
	return time.After(d - d/10 + rand.N(d/5+1))
}

func (v *Verifier) addTenants(lifetime context.Context) error {
	if len(v.config.Tenants) == 0 {
		return errors.New("no tenant")
	}
	client := keyClient(v.config.HTTP)
	names := map[string]bool{}
	for _, t := range v.config.Tenants {
		if err := t.Validate(); err != nil {
			return fmt.Errorf("tenant %q: %w", t.Name, err)
		}
		if names[t.Name] {
			return fmt.Errorf("tenant %q: two of this name", t.Name)
		}
		names[t.Name] = true
		if err := v.addTenant(lifetime, client, t); err != nil {
			return fmt.Errorf("tenant %q: %w", t.Name, err)
		}
	}
	return nil
}

func (v *Verifier) addTenant(lifetime context.Context, client *http.Client, t Tenant) error {
	user, err := newClaimCopier(t.UserClaims)
	if err != nil {
		return err
	}
	session, err := newClaimCopier(t.SessionClaims)
	if err != nil {
		return err
	}
	sessionID, err := optionalPointer(t.SessionIDClaim)
	if err != nil {
		return fmt.Errorf("session id claim: %w", err)
	}
	linkID, err := optionalPointer(t.LinkIDClaim)
	if err != nil {
		return fmt.Errorf("link id claim: %w", err)
	}
	var shared *keySource
	for _, iss := range t.Issuers {
		if v.issuers[iss] != nil {
			return fmt.Errorf("issuer %q is configured already", iss)
		}
		source := shared
		if source == nil {
			source = &keySource{
				issuer: iss, url: iss + ".well-known/jwks.json", algorithms: t.algorithms(),
				config: v.config.Keys, client: client, now: v.config.Now, log: v.config.Log,
				lifetime: lifetime, running: &v.running,
			}
			if t.JWKSURL != "" {
				source.url, shared = t.JWKSURL, source
			}
			v.addSource(source)
		}
		v.issuers[iss] = &issuer{tenant: &t, algorithms: t.algorithms(), keys: source,
			user: user, session: session, sessionID: sessionID, linkID: linkID}
		v.order = append(v.order, iss)
	}
	return nil
}

func (v *Verifier) addSource(s *keySource) {
	v.sources = append(v.sources, s)
	if s.config.CacheDir == "" {
		return
	}
	if err := s.load(); err != nil {
		s.log.Warn("jwks cache dropped", "issuer", s.issuer, "err", err)
	}
}

// Start begins to fetch key sets, now and then in the background, until Close. It does not
// wait: tokens that come before the first set wait for it, each no longer than the
// time-out.
func (v *Verifier) Start() {
	for _, s := range v.sources {
		v.running.Go(func() { s.maintain(v.after) })
	}
}

// Close ends all fetching and waits for it. Tokens can still be verified with the keys
// that are there.
func (v *Verifier) Close() {
	for _, s := range v.sources {
		s.mu.Lock()
	}
	v.cancel() // under the locks: start looks at the lifetime under its own, so none begins after this
	for _, s := range v.sources {
		s.mu.Unlock()
	}
	v.running.Wait()
}

// KeyStatus reports how the keys of each issuer stand, in configured order. Issuers that
// share a JWKS URL share the figures.
func (v *Verifier) KeyStatus() []KeyStatus {
	list := make([]KeyStatus, len(v.order))
	for i, iss := range v.order {
		list[i] = v.issuers[iss].keys.status()
		list[i].Tenant, list[i].Issuer = v.issuers[iss].tenant.Name, iss
	}
	return list
}

// Verify decides whether token may be used for the purpose. It waits only for keys, at
// most the key time-out. The error is a *Refusal, and the Verdict then the zero one.
func (v *Verifier) Verify(ctx context.Context, token string, purpose Purpose) (Verdict, error) {
	var t reading
	if refusal := v.read(ctx, token, purpose, &t); refusal != nil {
		refusal.Issuer, refusal.KeyID = t.iss, t.header.keyID
		refusal.Subject, refusal.ClientID = t.claims.subject, t.claims.clientID
		if t.issuer != nil {
			refusal.Tenant = t.issuer.tenant.Name
		}
		if t.signed {
			refusal.Hash = tokenHash(refusal.Tenant, t.compact.signingInput)
		}
		return Verdict{}, refusal
	}
	return t.verdict(purpose), nil
}

// reading is what has been read of a token so far.
type reading struct {
	compact compact
	header  header
	doc     jsonDoc // the payload
	iss     string
	issuer  *issuer
	signed  bool // by the issuer's key: from here on it is the issuer who says so
	claims  claims

	user, session     []byte // copied claims
	sessionID, linkID string
}

// read takes the checks in an order that makes bad tokens cheap: no I/O before the issuer
// is known to be ours, no claim believed before the signature is checked.
func (v *Verifier) read(ctx context.Context, token string, purpose Purpose, t *reading) (refusal *Refusal) {
	if !purpose.valid() {
		return invalid(ReasonPurpose, fmt.Sprintf("no purpose %d", purpose))
	}
	if t.compact, refusal = splitToken(token, v.config.MaxTokenBytes); refusal != nil {
		return refusal
	}
	if t.header, refusal = parseHeader(t.compact.header, purpose); refusal != nil {
		return refusal
	}
	if t.doc, refusal = parseTokenJSON(t.compact.payload, payloadDepth, ReasonPayloadJSON, registeredClaims); refusal != nil {
		return refusal
	}
	if refusal = v.findIssuer(t); refusal != nil {
		return refusal
	}
	if refusal = checkSignature(ctx, t); refusal != nil {
		return refusal
	}
	t.signed = true
	return v.readClaims(t, purpose)
}

// findIssuer picks the tenant by an exact match of iss (RFC 9068 §4).
func (v *Verifier) findIssuer(t *reading) *Refusal {
	at, found := t.doc.member(0, "iss")
	if !found || t.doc[at].kind != jsonString {
		return invalid(ReasonClaim, "iss: missing, or not a string")
	}
	t.iss = t.doc[at].text
	if t.issuer = v.issuers[t.iss]; t.issuer == nil {
		return invalid(ReasonIssuer, "iss is not configured")
	}
	if !slices.Contains(t.issuer.algorithms, t.header.algorithm) {
		return invalid(ReasonAlgorithm, "alg is not allowed for the tenant")
	}
	return nil
}

func checkSignature(ctx context.Context, t *reading) *Refusal {
	key, refusal := t.issuer.keys.key(ctx, t.header.algorithm, t.header.keyID)
	if refusal != nil {
		return refusal
	}
	if err := signingMethod(t.header.algorithm).Verify(t.compact.signingInput, t.compact.signature, key); err != nil {
		return invalid(ReasonSignature, "the signature is not by that key over this token")
	}
	return nil
}

// signingMethod is nil for what no tenant can allow. Auth0 signs API tokens with RS256,
// PS256 or HS256; a shared secret is no proof of who signed.
func signingMethod(alg string) jwt.SigningMethod {
	switch alg {
	case "RS256":
		return jwt.SigningMethodRS256
	case "PS256":
		return jwt.SigningMethodPS256
	default:
		return nil
	}
}

// readClaims reads the claims and judges them by what the token is presented for.
func (v *Verifier) readClaims(t *reading, purpose Purpose) (refusal *Refusal) {
	if t.claims, refusal = parseClaims(t.doc, purpose); refusal != nil {
		return refusal
	}
	switch purpose {
	case PurposeExchange:
		if refusal = v.checkAccessToken(t); refusal == nil {
			refusal = t.copyClaims()
		}
	case PurposeLogout:
		refusal = v.checkOwnToken(t)
	case PurposeOnBehalf:
		refusal = v.checkMachineToken(t)
	case PurposeLogoutToken:
		refusal = v.checkLogoutToken(t)
	}
	return refusal
}

// checkAccessToken wants a user's access token that may be exchanged.
func (v *Verifier) checkAccessToken(t *reading) *Refusal {
	if refusal := v.checkOwnToken(t); refusal != nil {
		return refusal
	}
	return checkPolicy(t.claims, t.doc, t.issuer.tenant)
}

// checkOwnToken wants a user's access token, whatever it permits: enough to log out with.
func (v *Verifier) checkOwnToken(t *reading) (refusal *Refusal) {
	if refusal = checkAudience(t.claims, t.issuer.tenant); refusal != nil {
		return refusal
	}
	if refusal = checkTimes(t.claims, v.config.Now(), v.config.Leeway, v.config.MaxLifetime); refusal != nil {
		return refusal
	}
	if refusal = checkKind(t.doc); refusal != nil {
		return refusal
	}
	if refusal = checkSubject(t.claims); refusal != nil {
		return refusal
	}
	if t.sessionID, refusal = t.issuer.sessionID.identifier(t.doc); refusal != nil {
		return refusal
	}
	t.linkID, refusal = t.issuer.linkID.identifier(t.doc)
	return refusal
}

func (t *reading) copyClaims() (refusal *Refusal) {
	if t.user, refusal = t.issuer.user.copy(t.doc); refusal != nil {
		return refusal
	}
	t.session, refusal = t.issuer.session.copy(t.doc)
	return refusal
}

// verdict is the answer about a token that passed.
func (t *reading) verdict(purpose Purpose) Verdict {
	return Verdict{
		purpose:     purpose,
		Tenant:      t.issuer.tenant.Name,
		Issuer:      t.iss,
		Subject:     t.claims.subject,
		ClientID:    t.claims.clientID,
		OrgID:       t.claims.orgID,
		SessionID:   t.sessionID,
		LinkID:      t.linkID,
		TokenID:     t.claims.tokenID,
		Actor:       t.claims.actor,
		KeyID:       t.header.keyID,
		Audience:    t.claims.audience,
		Scope:       t.claims.scope,
		Permissions: t.claims.permissions,
		IssuedAt:    time.Unix(t.claims.issuedAt, 0).UTC(),
		ExpiresAt:   time.Unix(t.claims.expiresAt, 0).UTC(),
		Hash:        tokenHash(t.issuer.tenant.Name, t.compact.signingInput),

		UserClaims:    t.user,
		SessionClaims: t.session,
	}
}

func tokenHash(tenant, signingInput string) string {
	b := make([]byte, 0, 1024) // on the stack: most tokens need no more
	b = append(b, "auth0_jwt/v1\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(tenant)))
	b = append(append(b, tenant...), signingInput...)
	sum := sha256.Sum256(b)
	return string(hex.AppendEncode(b[:0], sum[:]))
}
